#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/wire/watch.h"
#include "rollout/fleet/compile.h"

namespace loam::fleet {

/// What the controller knows of one proxy: what it is to run, what it says it has, and what really runs.
struct Agent {
  std::string name;
  std::string version;
  std::vector<std::string> capabilities;     ///< sorted
  std::int64_t lastContact = 0;              ///< unix milliseconds; 0: it has not asked since the controller began
  Monotonic heard{};                         ///< the same moment, by the clock that nobody sets
  std::optional<std::int64_t> clockAhead{};  ///< seconds: its clock less the controller's; nothing: it does not say
  std::string spiffe;  ///< that its certificate proved; empty: a process of the controller's own host

  // Desired.
  std::uint64_t generation = 0;  ///< of the snapshot that it is to run, in the controller's epoch
  std::uint64_t covers = 0;      ///< revision of the flags that this was made from
  std::size_t bytes = 0;         ///< of it
  std::vector<Withheld> withheld;
  std::optional<flags::Drain> drain{};  ///< somebody wants it drained
  std::uint64_t drainedSince = 0;       ///< generation that drained it, or resumed it; 0: none did

  // As it says.
  std::uint64_t epoch = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t inEffect = 0;
  std::optional<wire::Refusal> refused;
  std::uint64_t oldConnections = 0;
  std::uint64_t trust = 0;  ///< step of the change of roots that it acknowledges
  bool killed = false;      ///< on its own host: it runs no feature, whatever it has
  std::optional<wire::Drained> drained{};

  /// Its clock and the controller's differ by more than anybody should bear (D8).
  bool isClockOff() const { return clockAhead && (*clockAhead > wire::kMostSkew || *clockAhead < -wire::kMostSkew); }
  /// Whether it has and runs what it is to; `current` is the controller's epoch.
  bool hasIt(std::uint64_t current) const { return epoch == current && acknowledged >= generation; }
  bool runsIt(std::uint64_t current) const { return epoch == current && inEffect >= generation; }
  bool refusesIt(std::uint64_t current) const {
    return !hasIt(current) && refused && refused->generation >= generation;
  }
};

/// How far a revision of the flags has come.
struct Progress {
  std::size_t concerned = 0;  ///< proxies that carry the service and were heard of lately
  std::size_t acknowledged = 0;
  std::size_t inEffect = 0;
  std::vector<std::string> behind;   ///< of those: not yet in effect
  std::vector<std::string> refused;  ///< of those: it refuses its snapshot
  std::vector<std::string> silent;   ///< that carry it too, and were not heard of lately

  bool isDone() const { return inEffect == concerned; }
};

}  // namespace loam::fleet
