#pragma once

#include <cstdint>

#include "proxy/http/http1_connection.h"

namespace loam::api {

/// What the agents' port counted since the start; for /metrics. The loop's thread.
struct AgentTally {
  std::uint64_t denied = 0;   ///< handshakes refused for the certificate: revoked, expired, of nobody we know
  std::uint64_t foreign = 0;  ///< questions and reports in another proxy's name (E13)
  std::uint64_t cut = 0;      ///< connections ended because their certificate was revoked or had expired
  http::Http1Counters http{};
};

}  // namespace loam::api
