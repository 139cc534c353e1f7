#include "proxy/filters/words.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "proxy/base/utc.h"
#include "proxy/http/http1_chars.h"

namespace loam::filters {

namespace {

constexpr std::size_t kMostName = 63;
constexpr std::size_t kMostService = 255;

/// A word that is the text itself, where `fits` says so.
template <class Fits>
Word<std::string> plain(std::string kind, Fits fits) {
  return {std::move(kind),
          [fits](std::string_view text) { return fits(text) ? std::optional(std::string(text)) : std::nullopt; },
          [](const std::string& text) { return text; }};
}

bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Of one line, neither empty nor longer than `most`, without blanks at its ends.
bool isLine(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && text.front() != ' ' && text.back() != ' ' &&
         std::none_of(text.begin(), text.end(), isControl);
}

bool isToken(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), http::isTokenByte);
}

bool isRuleName(std::string_view text) {
  const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= kMostName && isLetter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return isLetter(c) || c == '-' || c == '_' || c == '.'; });
}

/// Takes the digits in front of `text`; nothing where there are none, or too many for a number.
std::optional<std::uint64_t> takeNumber(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

constexpr std::pair<std::string_view, std::uint64_t> kSizes[] = {
    {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}};

std::string sizeText(std::uint64_t bytes) {
  for (const auto& [unit, length] : kSizes) {
    if (bytes >= length && bytes % length == 0) return std::to_string(bytes / length).append(unit);
  }
  return "0B";
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
  const auto count = takeNumber(text);
  for (const auto& [unit, length] : kSizes) {
    if (count && text == unit && *count <= std::numeric_limits<std::uint64_t>::max() / length) return *count * length;
  }
  return std::nullopt;
}

constexpr std::pair<std::string_view, seconds> kPeriods[] = {
    {"/s", seconds(1)}, {"/m", seconds(60)}, {"/h", seconds(3600)}};

std::optional<Rate> parseRate(std::string_view text) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  const auto count = takeNumber(text);
  if (!count || *count == 0 || *count > kMost) return std::nullopt;
  for (const auto& [unit, per] : kPeriods) {
    if (text == unit) return Rate{static_cast<std::uint32_t>(*count), per};
  }
  return std::nullopt;
}

std::string rateText(const Rate& rate) {
  for (const auto& [unit, per] : kPeriods) {
    if (rate.per == per) return std::to_string(rate.count).append(unit);
  }
  return {};
}

std::optional<Quota> parseQuota(std::string_view text) {
  constexpr std::uint64_t kMost = 1'000'000'000'000;
  const auto count = takeNumber(text);
  if (!count || *count == 0 || *count > kMost) return std::nullopt;
  if (text == "/day") return Quota{*count, Quota::Period::Day};
  if (text == "/month") return Quota{*count, Quota::Period::Month};
  return std::nullopt;
}

std::string quotaText(const Quota& quota) {
  return std::to_string(quota.count) + (quota.period == Quota::Period::Day ? "/day" : "/month");
}

}  // namespace

Word<std::string> ruleName() { return plain("a name of a-z, 0-9, '-', '_' and '.', at most 63 bytes", isRuleName); }

Word<std::string> serviceName() {
  return plain("a service's name, at most 255 bytes, without '/'", [](std::string_view text) {
    return isLine(text, kMostService) && text.find('/') == std::string_view::npos;
  });
}

Word<std::string> line(std::size_t most) {
  return plain("a line of 1 to " + std::to_string(most) + " bytes",
               [most](std::string_view text) { return isLine(text, most); });
}

Word<std::string> anyText(std::size_t most) {
  return plain("a text of at most " + std::to_string(most) + " bytes",
               [most](std::string_view text) { return text.size() <= most; });
}

Word<std::string> method() {
  return plain("a method like GET", [](std::string_view text) { return isToken(text, 32); });
}

Word<std::string> headerName() {
  Word<std::string> word =
      plain("a header name like x-canary", [](std::string_view text) { return isToken(text, 128); });
  word.parse = [parse = word.parse](std::string_view text) {
    auto name = parse(text);
    if (name) std::transform(name->begin(), name->end(), name->begin(), http::lower);
    return name;
  };
  return word;
}

Word<std::string> cookieName() {
  return plain("a cookie's name", [](std::string_view text) { return isToken(text, 128); });
}

Word<std::string> label() {
  return plain("a label of 1 to 63 bytes", [](std::string_view text) { return isLine(text, 63); });
}

Word<std::int64_t> time() {
  return {"a time in UTC like 2026-12-01T12:00:00Z", parseUtc, [](std::int64_t at) { return utcText(at); }};
}

Word<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
  return {"a size from " + sizeText(least) + " to " + sizeText(most),
          [least, most](std::string_view text) {
            const auto bytes = parseSize(text);
            return bytes && *bytes >= least && *bytes <= most ? bytes : std::nullopt;
          },
          [](std::uint64_t bytes) { return sizeText(bytes); }};
}

Word<Rate> rate() { return {"a rate like 100/s, 600/m or 1000/h", parseRate, rateText}; }

Word<Quota> quota() { return {"a quota like 10000/day or 1000000/month", parseQuota, quotaText}; }

}  // namespace loam::filters
