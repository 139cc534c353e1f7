#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rollout/features/ground.h"

namespace loam::features {

/// Whether one caller would be refused if its callee became strict now.
struct CallerStanding {
  CallerRecord record;
  double share = 0;  ///< of all connections to the service, 0 to 1
  bool blocks = false;
  std::string why;
};

/// Whether a service can refuse plaintext without refusing anybody.
struct MtlsReadiness {
  std::vector<CallerStanding> callers;  ///< those that block first, then by connections
  std::int64_t window = 0;              ///< seconds without plaintext that were asked for: of the slowest caller
  std::size_t blocking = 0;
  std::vector<std::string> missing;  ///< what the record cannot say

  bool isReady() const { return blocking == 0; }
  /// Of the callers, those that do not block; 100 only when none does.
  std::uint32_t percent() const;
  /// "web (plaintext within 8d), batch (recorded once, in plaintext) and 3 more"; empty when ready.
  std::string whoBlocks() const;
};

/// `window` in seconds; `exclude`: callers for whom the stage will not hold, sorted. A caller is ready when its last
/// plaintext is older than the window and than the longest gap between its calls; one that did not come by mutual TLS
/// since may still come in plaintext, and is waited for as much longer as the slowest of all callers' gaps. Pure.
MtlsReadiness readinessOf(const Ground& ground, std::int64_t window, const std::vector<std::string>& exclude);

/// "10.0.0.2:80: it has no proxy; ..."; empty when every instance has what is wanted, and there is one.
std::string instancesAgainst(const Ground& ground);

/// "a, b and 3 more": the first five.
std::string listed(const std::vector<std::string>& names, const char* between);

/// "8d", "36h", "90s": the shortest text of a length.
std::string lengthText(std::int64_t seconds);

}  // namespace loam::features
