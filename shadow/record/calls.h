#pragma once

#include <string>
#include <vector>

#include "shadow/graph/flow.h"

namespace loam::record {

/// Connections that one client made to one address of a service, in the view in which a connection filter was asked or
/// would have been.
struct Call {
  std::string caller;  ///< as the graph calls it, or the address
  /// The service that the callee's proxy takes the client's address for; empty where nobody or more than one service
  /// of this callee's callers is known to call from there.
  std::string believed;
  IpAddress client;
  std::uint8_t prefix = 128;  ///< below 128: a network of unknown peers
  SocketAddress destination;
  std::string identity;           ///< SPIFFE id that was proven; empty without one
  std::uint64_t connections = 0;  ///< opened in the window; 0 for one that was open already
  std::int64_t firstSeen = 0;     ///< unix seconds, over the whole record
  std::int64_t lastSeen = 0;
  bool captured = true;  ///< false: known from socket tables only

  auto operator<=>(const Call&) const = default;
};

/// What a feature of the destination's service denied over a window, or would have denied.
struct VerdictSum {
  std::string scope;  ///< name of the proxy for addresses that each host has for itself; else empty
  IpAddress client;
  SocketAddress destination;
  std::string identity;
  std::string feature;
  std::string rule;
  bool enforced = false;
  std::uint64_t count = 0;
  std::int64_t from = 0;  ///< unix seconds: the buckets that count
  std::int64_t to = 0;
  // Of the last time, over the whole record.
  std::int64_t last = 0;         ///< unix seconds: its bucket of wire::kBucketSeconds
  std::string proxy{};           ///< that decided so; empty: not known
  std::uint64_t generation = 0;  ///< of the snapshot that it had in force; 0: not known

  auto operator<=>(const VerdictSum&) const = default;
};

/// The same with the name that the graph has for the client.
struct ServiceVerdict {
  std::string caller;
  VerdictSum sum;

  auto operator<=>(const ServiceVerdict&) const = default;
};

/// Who called one service over a window, and what its features denied.
struct Calls {
  std::string service;   ///< its name
  graph::Header header;  ///< capturedShare: of these calls
  std::vector<Call> calls;
  std::vector<ServiceVerdict> verdicts;
};

/// What was asked for on the connections of a call, in one protocol.
struct Usage {
  Call call;
  std::string protocol;
  std::string security;  ///< a word of relay::text(); empty: nobody asked
  graph::Tally tally;    ///< over the window
};

/// What one client asked of one address within one bucket of the record.
struct Moment {
  std::int64_t from = 0;    ///< unix seconds
  std::int64_t length = 0;  ///< seconds
  std::string caller;       ///< as in Call
  IpAddress client;
  std::uint8_t prefix = 128;
  SocketAddress destination;
  std::string protocol;
  wire::Counts counts;  ///< without latency
};

/// All that the record holds of what one service was asked for over a window.
struct Traffic {
  Calls calls;
  std::vector<Usage> usages;
  std::vector<Moment> moments;  ///< by time; empty where they were not asked for
};

}  // namespace loam::record
