#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/result.h"

namespace loam::guard {

/// A local endpoint that plaintext must not reach past the proxy. Port 0 is every port of the address, but those that
/// Loam itself listens on.
struct ClosedEndpoint {
  SocketAddress endpoint;
  std::vector<IpAddress> sources;  ///< only connections from these; empty: whoever it is. Of the other family: no one

  bool operator==(const ClosedEndpoint&) const = default;
};

/// One way into an endpoint that is closed: what the rules, the guard's file and its protocol are made of.
struct ClosedWay {
  SocketAddress to;
  IpAddress from;  ///< unspecified: whoever it is

  /// "10.0.0.5:8080", "[fd00::5]:0 from fd00::9".
  std::string text() const;
  static Result<ClosedWay> parse(std::string_view text);
  auto operator<=>(const ClosedWay&) const = default;
};

constexpr std::size_t kMostClosedWays = 4096;

/// The ways that `endpoints` are made of; sorted, each once. InvalidArgument for an endpoint or a source without an
/// address, or more than kMostClosedWays: a caller may ask before it takes a configuration on.
Result<std::vector<ClosedWay>> closedWays(const std::vector<ClosedEndpoint>& endpoints);
/// Refuses what closedWays() would not have made.
Status check(const std::vector<ClosedWay>& ways);
/// How many endpoints they lead to. `ways` sorted.
std::size_t endpointsOf(const std::vector<ClosedWay>& ways);

}  // namespace loam::guard
