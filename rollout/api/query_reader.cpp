#include "rollout/api/query_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "proxy/base/nearest.h"
#include "rollout/api/times.h"

namespace loam::api {

namespace {

constexpr unsigned kMostDepth = 64;

template <class T>
Result<T> readNumber(const std::string& key, const std::string& text, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= T{} && value <= most) return value;
  return fail(ErrorCode::InvalidArgument,
              key + ": expected a number from 0 to " + std::to_string(static_cast<std::int64_t>(most)));
}

}  // namespace

Status QueryReader::expectOnly(const std::vector<std::string_view>& known) const {
  const std::string_view target = request_.target;
  const std::vector<std::string> names(known.begin(), known.end());
  std::string_view rest = target.substr(std::min(target.find('?'), target.size()));
  while (rest.size() > 1) {
    rest.remove_prefix(1);
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const std::string key = http::percentDecode(pair.substr(0, pair.find('=')));
    if (!pair.empty() && std::find(names.begin(), names.end(), key) == names.end()) {
      return fail(ErrorCode::InvalidArgument, "unknown parameter \"" + key + "\"" + didYouMean(key, names));
    }
    rest.remove_prefix(pair.size());
  }
  return {};
}

Result<graph::Window> QueryReader::window(std::string_view from, std::string_view to, const char* otherwise) const {
  const auto read = [this](std::string_view key, const char* standard) -> Result<std::int64_t> {
    const std::string text = request_.query(key);
    auto time = parseTime(text.empty() ? standard : text, now_);
    if (!time) time.error().context.insert(0, std::string(key) + ": ");
    return time;
  };
  const auto start = read(from, otherwise);
  if (!start) return fail(start.error());
  const auto end = read(to, "now");
  if (!end) return fail(end.error());
  if (*start >= *end) {
    return fail(ErrorCode::InvalidArgument, std::string(from) + " has to be before " + std::string(to));
  }
  return graph::Window{*start, *end};
}

Result<bool> QueryReader::routes() const {
  const std::string text = request_.query("routes");
  if (text.empty() || text == "true") return true;
  if (text == "false") return false;
  return fail(ErrorCode::InvalidArgument, "routes: expected true or false");
}

Result<record::GraphQuery> QueryReader::graph() const {
  record::GraphQuery query;
  auto window = this->window();
  if (!window) return fail(std::move(window).error());
  query.window = *window;
  query.filter.focus = request_.query("focus");
  query.filter.protocol = request_.query("protocol");
  if (const std::string depth = request_.query("depth"); !depth.empty()) {
    const auto value = readNumber<unsigned>("depth", depth, kMostDepth);
    if (!value) return fail(value.error());
    query.filter.depth = *value;
  }
  if (const std::string rate = request_.query("min_rate"); !rate.empty()) {
    const auto value = readNumber<double>("min_rate", rate, 1e9);
    if (!value) return fail(value.error());
    query.filter.minRate = *value;
  }
  if (const std::string collapse = request_.query("collapse"); !collapse.empty()) {
    const auto value = graph::parseCollapse(collapse);
    if (!value) return fail(value.error());
    query.collapse = *value;
  }
  const auto routes = this->routes();
  if (!routes) return fail(routes.error());
  query.routes = *routes;
  return query;
}

}  // namespace loam::api
