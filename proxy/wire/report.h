#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/histogram.h"
#include "proxy/base/result.h"
#include "proxy/wire/verdict.h"

namespace loam::wire {

/// The local process that owns the client's side of a connection, as far as the host's facts say.
struct Owner {
  std::string unit;  ///< systemd unit or cgroup leaf ("checkout.service"); may be empty
  std::string exe;   ///< base name of the executable ("python3")
  std::uint32_t uid = 0;

  auto operator<=>(const Owner&) const = default;
};

/// The counts of one edge (or of one route of it) over one bucket of kBucketSeconds. Bytes are the connection's, both
/// ways seen from the client: sent = towards the server. A connection counts in the bucket where it opened, an exchange
/// where it ended, bytes where they passed (at most one flush later).
struct Counts {
  std::uint64_t connections = 0;
  std::uint64_t failedConnections = 0;  ///< refused, unreachable, denied
  std::uint64_t tlsConnections = 0;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  std::uint64_t resets = 0;  ///< connections that ended by RST, from either side
  std::uint64_t denied = 0;  ///< connections that a feature of the service refused before they were dialled
  std::uint64_t bytesSent = 0;
  std::uint64_t bytesReceived = 0;
  Histogram latency;  ///< of exchanges, microseconds from the request's first byte to the response's last

  void merge(const Counts& other);
  bool operator==(const Counts&) const = default;
};

constexpr std::int64_t kBucketSeconds = 10;

struct RouteCounts {
  std::string route;  ///< "GET /users/{id}", "/pkg.Service/Method", or "other"
  Counts counts;      ///< requests, errors and latency only
  bool operator==(const RouteCounts&) const = default;
};

struct Bucket {
  std::int64_t start = 0;  ///< unix seconds, a multiple of kBucketSeconds
  Counts counts;
  std::vector<RouteCounts> routes;
  bool operator==(const Bucket&) const = default;
};

/// EdgeReport::identity of those beyond the bound on how many are told apart.
constexpr std::string_view kOtherIdentity = "other";

/// What one proxy saw of one (client address, owner, destination, protocol, security). The ephemeral port of the client
/// is no part of it.
struct EdgeReport {
  IpAddress client;
  std::optional<Owner> owner;
  SocketAddress destination;
  std::string vantage;     ///< "outbound", "inbound", "explicit", "inventory"
  std::string protocol;    ///< decode::name(); "tcp" for opaque
  std::string tlsVersion;  ///< "TLSv1.3", ...; empty for plaintext
  bool captured = true;    ///< false: seen in the socket table only
  std::string security;    ///< relay::text(): how its connections went between the hosts; empty: nobody asked
  std::string identity;    ///< SPIFFE id that the proxy at the other end proved, or kOtherIdentity; empty: none
  std::vector<Bucket> buckets;
  bool operator==(const EdgeReport&) const = default;
};

/// Evidence for the name of an address; `shadow/observe` ranks it (rollout.md 4.4).
struct NameEvidence {
  IpAddress address;
  std::uint16_t port = 0;  ///< 0: the whole address
  std::string source;      ///< "process", "sni", "host", "grpc", "dns", "hosts", "ptr"
  std::string name;
  std::uint64_t seen = 1;
  bool operator==(const NameEvidence&) const = default;
};

/// What a proxy could not record, and why: shown beside the graph as its coverage. Totals since the epoch began.
struct Losses {
  std::uint64_t records = 0;     ///< observations dropped: ring full
  std::uint64_t reports = 0;     ///< reports dropped: spool full
  std::uint64_t decoders = 0;    ///< connections whose decoder gave up (their bytes still count)
  std::uint64_t otherEdges = 0;  ///< exchanges and connections folded into `other` by a cardinality limit
  bool operator==(const Losses&) const = default;
};

/// What a proxy sends up: everything since its previous report. The controller counts a (proxy, epoch, sequence) once.
struct Report {
  std::string proxy;           ///< its name, unique in the mesh
  std::string role;            ///< "sidecar", "node", "hub", "gateway"
  std::uint64_t epoch = 0;     ///< drawn at each start of the proxy; later starts are greater
  std::uint64_t sequence = 0;  ///< 1, 2, 3, ... within the epoch
  std::int64_t from = 0;       ///< unix milliseconds: this report covers [from, to)
  std::int64_t to = 0;
  std::vector<EdgeReport> edges;
  std::vector<NameEvidence> names;
  std::vector<Verdict> verdicts{};
  Losses losses;
  bool operator==(const Report&) const = default;
};

constexpr std::size_t kMostReportBytes = 8 * 1024 * 1024;

/// One line of JSON; the reverse reads strictly and names the failing member.
std::string encode(const Report& report);
Result<Report> decodeReport(std::string_view json);

}  // namespace loam::wire
