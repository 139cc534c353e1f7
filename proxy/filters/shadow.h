#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proxy/filters/form.h"
#include "proxy/filters/match.h"

namespace loam::filters {

/// A difference that is known and does not count, for as long as somebody answers for it.
struct IgnoredDifference {
  Pattern field;  ///< "status", "header:x-build", "body:/items/*/id"
  std::string owner;
  std::int64_t expires = 0;  ///< unix seconds

  void describe(Form& form);
};

/// How the answers of primary and candidate are held against each other.
struct Comparison {
  enum class Body : std::uint8_t { Auto, Hash, None };

  Body body = Body::Auto;  ///< JSON by its fields, gRPC by status and bytes, else by hash (rollout.md 3.14)
  double replay = 0.001;   ///< share of safe requests sent to the primary twice, to learn its noise (rollout.md 3.14)
  std::vector<IgnoredDifference> ignore;

  void describe(Form& form);
};

/// A method that may change something, on paths where its copy does no harm.
struct UnsafeRoute {
  std::string method;
  std::vector<Pattern> paths;

  void describe(Form& form);
};

/// Copies of requests for a candidate, and the comparison of what it answers (rollout.md 3.14). The share of the
/// requests is the flag's.
struct ShadowSettings {
  std::string candidate;                                       ///< service that gets the copies
  std::map<std::string, std::string> labels;                   ///< those of its endpoints that do; empty: all
  std::vector<std::string> methods{"GET", "HEAD", "OPTIONS"};  ///< the safe ones, all by default
  std::vector<UnsafeRoute> unsafeRoutes;                       ///< others: only where the candidate is a sandbox
  bool sandbox = false;                                        ///< what the candidate changes is nobody's
  bool forwardCredentials = false;                             ///< else Authorization, Cookie and the like are replaced
  std::uint64_t maxBody = 1 << 20;   ///< bytes of one body; longer ones are not compared, and counted. As Envoy buffers
  std::uint64_t maxQueue = 4 << 20;  ///< bytes a worker holds for the candidate; beyond it copies are dropped, counted
  milliseconds timeout = seconds(5);  ///< for the candidate's answer. GoReplay's
  Comparison compare;

  void describe(Form& form);
};

}  // namespace loam::filters
