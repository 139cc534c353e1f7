#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shadow/graph/model.h"

namespace loam::graph {

/// What one observer saw of one (client address, owner, destination, protocol, TLS version, security, identity): the
/// grain of the record. Edges are merged from flows, never the other way round.
struct Flow {
  std::int64_t id = 0;
  IpAddress client;
  std::uint8_t prefix = 128;  ///< of `client`; less than 128 for a network of unknown peers (120 is an IPv4 /24)
  std::optional<wire::Owner> owner;
  SocketAddress destination;  ///< the unspecified address for what a cardinality limit folded into "other"
  std::string protocol;
  std::string tls;      ///< version; empty for plaintext
  std::string vantage;  ///< "outbound", "inbound", "explicit", "inventory"
  std::string proxy;
  bool captured = true;
  std::string security;        ///< a word of relay::text(); empty: nobody asked, or it never came to a connection
  std::string identity;        ///< of the proxy at the other end, as it proved it; empty without one
  std::int64_t firstSeen = 0;  ///< unix seconds, over the whole record
  std::int64_t lastSeen = 0;
};

/// Counts over some stretch of time.
struct Tally {
  wire::Counts counts;
  std::vector<wire::RouteCounts> routes;  ///< sorted by route; empty where not asked for

  void merge(const Tally& other);
};

struct FlowSum {
  Flow flow;
  Tally tally;
  /// When its client, destination and protocol were last seen in plaintext by anybody, over the whole record; 0: never.
  std::int64_t lastPlaintext = 0;
};

/// The proxy's name where an address means another host for each proxy (loopback, link-local); else empty.
std::string scopeOf(const IpAddress& client, const IpAddress& server, const std::string& proxy);

/// Adds one route's counts, keeping `routes` sorted.
void addRoute(std::vector<wire::RouteCounts>& routes, const std::string& route, const wire::Counts& counts);

/// Evidence for the name of an address, a network, or one port of an address.
struct Claim {
  std::string
      scope;  ///< name of the proxy for loopback and link-local addresses, which mean another host for each; else empty
  IpAddress address;
  std::uint8_t prefix = 128;
  std::uint16_t port = 0;  ///< 0: the whole address, as caller and for what it serves
  std::string source;      ///< "operator", "catalogue", "process", "sni", "host", "grpc", "dns", "hosts", "ptr"
  std::string name;
  std::uint64_t seen = 1;
  std::int64_t firstSeen = 0;
  std::int64_t lastSeen = 0;
};

/// An operator's word: the node that evidence calls `node` is to be called `name`.
struct Alias {
  std::string node;
  std::string name;
};

/// A half-open stretch of time, unix milliseconds.
struct Span {
  std::int64_t from = 0;
  std::int64_t to = 0;
  bool operator==(const Span&) const = default;
};

/// When one proxy reported, and what it lost on the way.
struct ProxyState {
  std::string name;
  std::string role;
  std::uint64_t epoch = 0;     ///< its latest
  std::uint64_t sequence = 0;  ///< the highest counted of that epoch
  std::uint64_t reports = 0;   ///< counted, over all epochs
  std::uint64_t duplicates = 0;
  std::int64_t firstReport = 0;  ///< unix seconds
  std::int64_t lastReport = 0;
  wire::Losses losses;        ///< over all epochs
  std::vector<Span> covered;  ///< sorted, disjoint; within the window that was asked for
};

}  // namespace loam::graph
