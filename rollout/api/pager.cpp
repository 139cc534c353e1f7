#include "rollout/api/pager.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "rollout/api/problem.h"

namespace loam::api {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::string_view kMark = "p1-";  // of this form of cursors

std::string cursorOf(std::string_view key) {
  std::string cursor(kMark);
  for (const char c : key) {
    const auto byte = static_cast<std::uint8_t>(c);
    cursor.push_back(kDigits[byte >> 4]);
    cursor.push_back(kDigits[byte & 15]);
  }
  return cursor;
}

std::optional<std::string> keyOf(std::string_view cursor) {
  if (!cursor.starts_with(kMark)) return std::nullopt;
  cursor.remove_prefix(kMark.size());
  if (cursor.empty() || cursor.size() % 2 != 0) return std::nullopt;
  std::string key;
  for (std::size_t i = 0; i < cursor.size(); i += 2) {
    const auto high = kDigits.find(cursor[i]);
    const auto low = kDigits.find(cursor[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    key.push_back(static_cast<char>(high << 4 | low));
  }
  return key;
}

/// The same request from another place on.
std::string targetAfter(const http::Request& request, const std::string& cursor) {
  std::string target(request.path());
  target.append("?after=").append(cursor);
  const std::string_view whole = request.target;
  std::string_view rest = whole.substr(std::min(whole.find('?'), whole.size()));
  while (rest.size() > 1) {
    rest.remove_prefix(1);
    const std::string_view pair = rest.substr(0, rest.find('&'));
    if (!pair.empty() && pair.substr(0, pair.find('=')) != "after") target.append("&").append(pair);
    rest.remove_prefix(pair.size());
  }
  return target;
}

}  // namespace

Result<Pager> Pager::of(const http::Request& request, std::size_t otherwise) {
  Pager pager(request);
  pager.most_ = otherwise;
  if (const std::string most = request.query("most"); !most.empty()) {
    const auto [end, error] = std::from_chars(most.data(), most.data() + most.size(), pager.most_);
    if (error != std::errc() || end != most.data() + most.size() || pager.most_ < 1 || pager.most_ > kMost) {
      return fail(ErrorCode::InvalidArgument, "most: expected a whole number from 1 to " + std::to_string(kMost));
    }
  }
  if (const std::string after = request.query("after"); !after.empty()) {
    auto key = keyOf(after);
    if (!key) return fail(ErrorCode::InvalidArgument, "after: expected the `next` of an answer");
    pager.after_ = *std::move(key);
  }
  return pager;
}

bool Pager::takes(const std::string& key) {
  if (!after_.empty() && key <= after_) return false;
  more_ = taken_ == most_;
  if (more_) return false;
  ++taken_;
  last_ = key;
  return true;
}

http::Response Pager::finish(Json::Value body) const {
  if (!more_) return ok(body);
  const std::string cursor = cursorOf(last_);
  body["next"] = cursor;
  http::Response response = ok(body);
  response.headers.emplace_back("Link", "<" + targetAfter(*request_, cursor) + ">; rel=\"next\"");
  return response;
}

std::string orderedKey(std::uint64_t number) {
  constexpr std::size_t kWidth = 20;
  const std::string digits = std::to_string(number);
  return std::string(kWidth - digits.size(), '0') + digits;
}

}  // namespace loam::api
