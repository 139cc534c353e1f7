#include "rollout/features/recorded.h"

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/filters/connection_match.h"
#include "proxy/filters/pattern_match.h"

namespace loam::features {

namespace {

/// "GET /users/{id}" -> its two parts; empty ones for "other" and what is no route of HTTP.
std::pair<std::string_view, std::string_view> partsOf(std::string_view route) {
  const std::size_t blank = route.find(' ');
  if (blank == std::string_view::npos || blank == 0) return {};
  const std::string_view path = route.substr(blank + 1);
  if (!path.starts_with('/')) return {};
  return {route.substr(0, blank), path};
}

/// The counts of `whole` that are not in `part`.
void takeAway(wire::Counts& whole, const wire::Counts& part) {
  whole.requests -= std::min(whole.requests, part.requests);
  whole.errors -= std::min(whole.errors, part.errors);
  Histogram rest;
  for (const auto& [bucket, times] : whole.latency.filled()) {
    const auto& taken = part.latency.filled();
    const auto at =
        std::find_if(taken.begin(), taken.end(), [wanted = bucket](const auto& one) { return one.first == wanted; });
    const std::uint64_t gone = at == taken.end() ? 0 : std::min(at->second, times);
    rest.add(bucket, times - gone);
  }
  whole.latency = std::move(rest);
}

/// Up to the first star, or the whole.
std::string_view beginningOf(std::string_view pattern) { return pattern.substr(0, pattern.find_first_of("*\\")); }

Fits fitsPath(const filters::Pattern& pattern, std::string_view path) {
  if (path.empty()) return Fits::Maybe;
  const std::size_t open = path.find('{');
  // Canonical forms decode and tidy a path: one that has something to decode may be another.
  const bool isPlain = path.find('%') == std::string_view::npos && path.find("//") == std::string_view::npos &&
                       path.find("/.") == std::string_view::npos && path.find(';') == std::string_view::npos;
  if (!isPlain) return Fits::Maybe;
  if (open == std::string_view::npos) return filters::matchesPath(pattern, path) ? Fits::Yes : Fits::No;
  const std::string_view known = path.substr(0, open);
  const std::string_view wanted = beginningOf(pattern.text);
  const std::size_t common = std::min(known.size(), wanted.size());
  if (known.substr(0, common) != wanted.substr(0, common)) return Fits::No;
  const bool takesAnyRest = pattern.text.size() == wanted.size() + 2 && pattern.text.ends_with("**");
  return takesAnyRest && wanted.size() <= known.size() ? Fits::Yes : Fits::Maybe;
}

Fits fitsPaths(const filters::Match& match, std::string_view path) {
  if (match.paths.empty()) return Fits::Yes;
  Fits best = Fits::No;
  for (const filters::Pattern& pattern : match.paths) best = std::max(best, fitsPath(pattern, path));
  return best;
}

Fits fitsMethods(const filters::Match& match, std::string_view method) {
  if (match.methods.empty()) return Fits::Yes;
  if (method.empty()) return Fits::Maybe;
  return std::find(match.methods.begin(), match.methods.end(), method) == match.methods.end() ? Fits::No : Fits::Yes;
}

/// Members of which the record keeps nothing.
std::vector<std::string_view> keptNowhere(const filters::Match& match) {
  std::vector<std::string_view> names;
  if (!match.hosts.empty()) names.emplace_back("hosts");
  if (!match.headers.empty()) names.emplace_back("headers");
  if (!match.cookies.empty()) names.emplace_back("cookies");
  if (!match.query.empty()) names.emplace_back("queries");
  if (!match.userAgents.empty()) names.emplace_back("user agents");
  return names;
}

}  // namespace

filter::ConnectionView viewOf(const record::Call& call) {
  return {.client = {call.client, 0},
          .destination = call.destination,
          .vantage = relay::Vantage::Inbound,
          .caller = call.believed,
          .identity = call.identity};
}

IpAddress lastOf(const record::Call& call) {
  auto bytes = call.client.bytes();
  for (unsigned bit = call.prefix; bit < 128; ++bit) bytes[bit / 8] |= static_cast<std::uint8_t>(0x80u >> (bit % 8));
  return IpAddress::v6(bytes);
}

std::vector<RecordedRoute> routesOf(const record::Usage& usage) {
  std::vector<RecordedRoute> routes;
  wire::Counts rest = usage.tally.counts;
  for (const wire::RouteCounts& one : usage.tally.routes) {
    const auto [method, path] = partsOf(one.route);
    if (method.empty()) continue;
    takeAway(rest, one.counts);
    routes.push_back({method, path, one.counts});
  }
  if (rest.requests != 0) routes.push_back({{}, {}, std::move(rest)});
  return routes;
}

bool isServed(std::string_view protocol) { return protocol == "http1" || protocol == "websocket"; }

Fits fitsCall(const filters::Match& match, const record::Call& call) {
  filter::ConnectionView view = viewOf(call);
  const bool first = filters::fitsConnection(match, view);
  if (call.prefix == 128) return first ? Fits::Yes : Fits::No;
  view.client.ip = lastOf(call);
  const bool last = filters::fitsConnection(match, view);
  // What names a part of the network says nothing of the whole.
  const Cidr whole{call.client, call.client.isV4() ? call.prefix - 96u : call.prefix};
  const bool namesPart = std::any_of(match.sources.begin(), match.sources.end(), [&](const filters::Source& source) {
    return source.kind == filters::Source::Kind::Network && source.network.bits > whole.bits &&
           whole.contains(source.network.address);
  });
  if (namesPart || first != last) return Fits::Maybe;
  return first ? Fits::Yes : Fits::No;
}

Fits fitsRoute(const filters::Match& match, const record::Call& call, const RecordedRoute& route) {
  const Fits told = std::min({fitsCall(match, call), fitsMethods(match, route.method), fitsPaths(match, route.path)});
  return keptNowhere(match).empty() ? told : std::min(told, Fits::Maybe);
}

std::string untold(const filters::Match& match) {
  std::string text;
  for (const std::string_view name : keptNowhere(match)) text.append(text.empty() ? "it keeps no " : ", ").append(name);
  if (match.paths.empty()) return text;
  return text + (text.empty() ? "it keeps of paths only their form" : ", and of paths only their form");
}

}  // namespace loam::features
