#pragma once

#include <json/value.h>

#include <compare>
#include <cstdint>
#include <string>

#include "proxy/base/address.h"
#include "proxy/base/result.h"

namespace loam::wire {

/// How often a feature of the destination's service denied connections of one client within one bucket of
/// kBucketSeconds, or would have denied them: they were carried all the same.
struct Verdict {
  IpAddress client;
  SocketAddress destination;
  std::string identity;          ///< SPIFFE id that was proven; empty without one
  std::string feature;           ///< "policy"
  std::string rule;              ///< that decided; "default" where none fits
  bool enforced = false;         ///< false: it was only simulated
  std::int64_t start = 0;        ///< of the bucket, unix seconds
  std::uint64_t count = 0;       ///< connections
  std::uint64_t generation = 0;  ///< of the snapshot under which the last of them was; 0: not known

  auto operator<=>(const Verdict&) const = default;
};

Json::Value toJson(const Verdict& verdict);
/// Reads strictly and names the failing member.
Result<Verdict> verdictOf(const Json::Value& value);

}  // namespace loam::wire
