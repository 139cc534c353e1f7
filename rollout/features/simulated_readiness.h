#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shadow/record/calls.h"

namespace loam::features {

/// Features of which proxies count what they would refuse, by caller and rule.
constexpr std::array<std::string_view, 4> kSimulated{"policy", "rate_limit", "serve", "timeouts"};

/// One caller of a service, and what a feature of it would have refused him.
struct SimulatedCaller {
  std::string name;
  std::uint64_t connections = 0;               ///< that the record has of him
  double share = 0;                            ///< of all connections to the service, 0 to 1
  std::map<std::string, std::uint64_t> rules;  ///< how often by which rule, or reason; empty: never
  std::int64_t lastRefused = 0;                ///< unix seconds; 0: never
  bool blocks = false;

  std::uint64_t refused() const;
  /// "bare_lf 3, host 1"; empty for never.
  std::string why() const;
};

/// Whether a feature can act on a service without refusing anybody anything.
struct SimulatedReadiness {
  std::vector<SimulatedCaller> callers;  ///< those that block first, by how often; the others by connections
  std::size_t blocking = 0;

  bool isReady() const { return blocking == 0; }
  /// Of the callers, those that do not block; 100 only when none does.
  std::uint32_t percent() const;
  /// "web (bare_lf 3), batch (host 1) and 3 more"; empty when ready.
  std::string whoBlocks() const;
};

/// What the proxies counted as not enforced. `exclude`: callers for whom the stage will not hold, sorted; they block
/// nothing. Pure.
SimulatedReadiness simulatedReadiness(const record::Calls& calls, std::string_view feature,
                                      const std::vector<std::string>& exclude);

}  // namespace loam::features
