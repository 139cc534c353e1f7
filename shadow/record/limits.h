#pragma once

#include <cstddef>
#include <cstdint>

namespace loam::record {

/// Bounds of the record. What does not fit is counted in a visible "other" node or a network's node, never dropped
/// unsaid.
struct Limits {
  std::size_t edges = 10'000;     ///< (client, destination, protocol) seen within a day
  std::size_t nodes = 2'000;      ///< in one answer
  std::size_t peers = 200;        ///< unknown client addresses of one destination, then /24 and /64 networks
  std::size_t routes = 100;       ///< of one flow, then "other"
  std::size_t names = 32;         ///< claims of one address and source
  std::size_t claims = 100'000;   ///< name claims in all
  std::size_t verdicts = 20'000;  ///< (client, destination, identity, feature, rule), then "other"

  std::int64_t keepTens = 600;             ///< seconds that buckets of 10 s are kept
  std::int64_t keepMinutes = 6 * 3600;     ///< of 1 min
  std::int64_t keepFives = 7 * 86'400;     ///< of 5 min
  std::int64_t keepHours = 90 * 86'400;    ///< of 1 h
  std::int64_t keepDays = 730 * 86'400LL;  ///< of 1 d
};

}  // namespace loam::record
