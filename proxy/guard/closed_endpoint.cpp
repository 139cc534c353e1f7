#include "proxy/guard/closed_endpoint.h"

#include <algorithm>

namespace loam::guard {

namespace {

constexpr std::string_view kFrom = " from ";

Error tooMany() {
  return {ErrorCode::InvalidArgument,
          "more than " + std::to_string(kMostClosedWays) + " endpoints and sources are to be closed"};
}

}  // namespace

std::string ClosedWay::text() const {
  return to.text() + (from.isUnspecified() ? "" : std::string(kFrom) + from.text());
}

Result<ClosedWay> ClosedWay::parse(std::string_view text) {
  const std::size_t end = text.find(kFrom);
  const auto to = SocketAddress::parse(text.substr(0, end));
  if (!to) return fail(to.error());
  ClosedWay way{*to, {}};
  if (end != std::string_view::npos) {
    const auto from = IpAddress::parse(text.substr(end + kFrom.size()));
    if (!from) return fail(from.error());
    way.from = *from;
  }
  return way;
}

Result<std::vector<ClosedWay>> closedWays(const std::vector<ClosedEndpoint>& endpoints) {
  std::vector<ClosedWay> ways;
  for (const ClosedEndpoint& closed : endpoints) {
    if (closed.sources.empty()) ways.push_back({closed.endpoint, {}});
    for (const IpAddress& source : closed.sources) {
      if (source.isUnspecified()) {
        return fail(ErrorCode::InvalidArgument, "a source of closed " + closed.endpoint.text() + " is no address");
      }
      if (source.isV4() == closed.endpoint.ip.isV4()) ways.push_back({closed.endpoint, source});
    }
  }
  std::sort(ways.begin(), ways.end());
  ways.erase(std::unique(ways.begin(), ways.end()), ways.end());
  LOAM_TRY(check(ways));
  return ways;
}

Status check(const std::vector<ClosedWay>& ways) {
  if (ways.size() > kMostClosedWays) return fail(tooMany());
  for (const ClosedWay& way : ways) {
    const IpAddress& ip = way.to.ip;
    if (ip.isUnspecified()) {
      return fail(ErrorCode::InvalidArgument, "closed endpoint " + way.to.text() + " names no address");
    }
    if (!way.from.isUnspecified() && way.from.isV4() != ip.isV4()) {
      return fail(ErrorCode::InvalidArgument,
                  "closed endpoint " + way.to.text() + " and its source " + way.from.text() + " are of two families");
    }
  }
  return {};
}

std::size_t endpointsOf(const std::vector<ClosedWay>& ways) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < ways.size(); ++i) count += i == 0 || ways[i].to != ways[i - 1].to ? 1 : 0;
  return count;
}

}  // namespace loam::guard
