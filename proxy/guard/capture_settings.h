#pragma once

#include <cstdint>
#include <vector>

#include "proxy/base/cidr.h"
#include "proxy/base/result.h"

namespace loam::guard {

/// Which connections are captured: what a person chooses, and may change while traffic runs.
struct CaptureSettings {
  bool outbound = false;  ///< connections that processes of this host open
  bool inbound = false;   ///< connections that other hosts (or containers) open to this host's own addresses
  std::vector<std::uint16_t> inboundPorts;  ///< empty: all; in either case only those that have a listener
  std::vector<std::uint16_t> includePorts;  ///< outbound destination ports; empty: all
  std::vector<std::uint16_t> excludePorts;  ///< destination ports, both sides
  std::vector<Cidr> includeAddresses;       ///< the far side: destination outbound, source inbound; empty: all
  std::vector<Cidr> excludeAddresses;
  std::vector<std::uint32_t> includeUsers;  ///< uid of the opening process, outbound; empty: all
  std::vector<std::uint32_t> excludeUsers;
  bool dnsAnswers = true;  ///< show DNS answers to the guard (NFLOG), for names
  bool notrackOwn =
      false;  ///< keep the proxy's outbound dials out of conntrack: saves an entry, breaks stateful firewalls

  bool operator==(const CaptureSettings&) const = default;
};

/// What Loam takes of the number spaces that programs of a host share. Fixed while the guard runs.
struct Footprint {
  std::uint16_t outboundPort = 7410;
  std::uint16_t inboundPort = 7411;
  std::uint16_t peerPort = 7412;               ///< where proxies speak mutual TLS with each other: never captured
  std::uint32_t mark = 0x4c6f616d;             ///< SO_MARK of the proxy's own dials
  std::uint32_t transparentMark = 0x4c6f616e;  ///< SO_MARK of those that bind the client's address
  std::uint16_t zone = 19567;                  ///< conntrack zone of the transparent dials' forward direction
  std::uint32_t routeTable = 7411;             ///< where replies to a client's address are routed back to this host
  std::uint32_t rulePriority = 7411;           ///< of the `ip rule` that leads there
  std::uint16_t dnsGroup = 7410;               ///< NFLOG group of DNS answers
  std::uint32_t proxyUser = 0;                 ///< uid whose traffic is never captured; 0: told by the marks alone
};

/// Refuses what cannot work: port 0, equal marks or ports, more than 1024 entries in a list.
Status check(const CaptureSettings& settings);
Status check(const Footprint& footprint);

}  // namespace loam::guard
