#pragma once

#include <map>
#include <utility>
#include <vector>

#include "rollout/features/impact.h"

/// Failures of exchanges as the record holds them: for the features of the caller's side.
namespace loam::features {

/// What went wrong between one client and one endpoint within one bucket of the record.
struct FailedMoment {
  std::int64_t from = 0;  ///< unix seconds
  std::int64_t length = 0;
  std::string caller;
  std::uint64_t exchanges = 0;
  std::uint64_t connectFailures = 0;  ///< of connections: refused or unreachable, not denied
  std::uint64_t resets = 0;           ///< of connections, by either side and whether or not an exchange was open
  std::uint64_t errors = 0;           ///< of exchanges: any status from 500 on
};

/// Of endpoints that HTTP/1 was spoken to; in order of time. A connection that failed is of no protocol, and counts.
using Failures = std::map<std::pair<IpAddress, SocketAddress>, std::vector<FailedMoment>>;
Failures failuresOf(const record::Traffic& traffic);

}  // namespace loam::features
