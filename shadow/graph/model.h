#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/wire/report.h"

namespace loam::graph {

/// [from, to) in unix seconds.
struct Window {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// A name that some evidence gives to a node. The one with the best rank is shown; the others are kept as provenance.
struct NameClaim {
  std::string name;
  std::string source;  ///< "operator", "catalogue", "process", "sni", "host", "grpc", "dns", "hosts", "ptr", "address"
  std::uint64_t seen = 0;
};

/// One address that a node serves, and whose proxies stand at its side: what is captured passes them on its way in.
struct Instance {
  std::string address;               ///< "10.0.0.2:5432"
  std::vector<std::string> proxies;  ///< names, sorted; empty: nobody stands there

  bool operator==(const Instance&) const = default;
};

/// A service, or an address that nothing names yet.
struct Node {
  std::string id;  ///< stable: derived from its name, or from its address where it has none
  std::string name;
  std::string kind;  ///< "service", "external", "unknown", "aggregate"
  std::string nameSource;
  std::vector<std::string> addresses;  ///< "10.0.0.2:5432" of what it serves, "10.0.0.2" of where it calls from; sorted
  std::vector<NameClaim> claims;       ///< best first
  std::vector<Instance> instances{};   ///< that somebody called in the window, by address
  std::int64_t firstSeen = 0;
  std::int64_t lastSeen = 0;
};

/// Why connections were not mutual TLS though the callee's `mtls` looked for it.
struct PlaintextReason {
  std::string state;  ///< a word of relay::text(), or kCallerWithoutProxy
  std::uint64_t connections = 0;
  std::int64_t lastSeen = 0;  ///< unix seconds, over the whole record
};

/// The caller's host has no proxy: what the callee's proxy cannot know, and the graph sees from who reported.
constexpr std::string_view kCallerWithoutProxy = "caller_without_proxy";

/// A proxy that proved who it is to the one at the other end.
struct PeerIdentity {
  std::string identity;  ///< SPIFFE id; wire::kOtherIdentity for all beyond a bound
  std::string side;      ///< "caller" or "callee": where it stands
  std::uint64_t connections = 0;
  std::int64_t lastSeen = 0;
};

/// How an edge's connections went between the hosts. Each is counted by one of the two ends, as in Edge::counts, and
/// counts here when it opened; what a connection of before still carries shows in the states alone. Refused ones are
/// in none of these counts, `denied` is in Edge::counts.
struct EdgeSecurity {
  std::uint64_t mutual = 0;     ///< TLS between two proxies that proved who they are
  std::uint64_t local = 0;      ///< never left their host
  std::uint64_t plaintext = 0;  ///< neither, though the flag looked; the application may have its own TLS
  std::uint64_t unasked = 0;    ///< nobody looked: the flag was off, or nobody captured them
  bool sawMutual = false;       ///< in the window, be it of a connection that opened before
  bool sawLocal = false;
  std::vector<PlaintextReason> reasons;         ///< most connections first, then by state
  std::vector<PeerIdentity> identities;         ///< callers first; most connections first, then by identity
  std::optional<std::int64_t> lastPlaintext{};  ///< unix seconds, over the whole record
  std::optional<std::int64_t> lastUnasked{};    ///< the same of those that nobody looked at
};

/// (caller service, callee service, protocol, port) over the window, merged from whoever saw it, never summed over two
/// ends.
struct Edge {
  std::string id;      ///< hex of a stable hash of source|target|protocol|port
  std::string source;  ///< names of nodes
  std::string target;
  std::string protocol;
  std::uint16_t port = 0;
  wire::Counts counts;
  double p50Ms = 0;
  double p99Ms = 0;
  std::string tls;             ///< "none", "TLSv1.2", "TLSv1.3", ..., or "partial" when some connections have it
  EdgeSecurity security;       ///< what the mesh does about its connections; `tls` is what the application does
  std::int64_t firstSeen = 0;  ///< over the whole record, not the window
  std::int64_t lastSeen = 0;
  bool captured = true;                   ///< false: known from socket tables only
  std::vector<std::string> seenBy;        ///< "outbound", "inbound", "explicit", "inventory"; sorted
  std::vector<std::string> proxies;       ///< names of the proxies that saw it; sorted
  std::vector<wire::RouteCounts> routes;  ///< by route, sorted
};

/// How much of the window one proxy reported on, and what it lost.
struct Coverage {
  std::string proxy;
  double share = 0;  ///< 0..1 of the window, from the proxy's first report on
  std::int64_t firstReport = 0;
  std::int64_t lastReport = 0;
  wire::Losses losses;
};

/// A service of whose connections only some are observed: its counts are those of the share, not scaled up.
struct Sampled {
  std::string service;  ///< "*": every one that is not named
  double share = 0;     ///< 0..1; 0: it is not observed at all
};

/// What stands beside every answer: from when, of which state, how complete.
struct Header {
  Window window;
  std::uint64_t revision = 0;      ///< grows with every report that was counted
  std::int64_t resolution = 0;     ///< seconds of the coarsest bucket used
  std::vector<Coverage> coverage;  ///< by proxy name
  std::vector<Sampled> sampled;    ///< by service, as it is wanted now
  double capturedShare = 1;        ///< connections captured of all known ones, the inventory's included
  std::uint64_t cutNodes = 0;      ///< left out by focus, depth or limits
  std::uint64_t cutEdges = 0;
};

struct Graph {
  Header header;
  std::vector<Node> nodes;  ///< by name
  std::vector<Edge> edges;  ///< by source, target, protocol, port
};

}  // namespace loam::graph
