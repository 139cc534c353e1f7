#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "proxy/upstream/slot_count.h"

namespace loam::upstream {

/// What is capped of a service.
enum class Cap : std::uint8_t {
  Connections,  ///< open
  Requests,     ///< under way
  Pending,      ///< that wait for a connection
};
constexpr std::size_t kCaps = 3;

/// What is counted of one service as a caller's proxy sees it: for all workers together, and across snapshots. Any
/// thread.
struct ServiceState {
  /// How much there is of what may be capped.
  std::array<std::atomic<std::uint32_t>, kCaps> occupied{};
  /// Exchanges and repeats, for the retry budget: a ring of slots of time.
  std::array<SlotCount, 10> repeats{};
  /// Held while endpoints are counted to see whether one more may be ejected.
  std::atomic_flag ejecting{};
  /// Endpoints that are ejected, and that checks have found unhealthy; one may be both. 0: nobody need be asked.
  std::atomic<std::uint32_t> away{0};
  /// When the newest endpoint came, or came back: ns. Slow start is over so long after that.
  std::atomic<std::int64_t> newest{INT64_MIN};

  std::atomic<std::uint64_t> ejections{0};  ///< since the start
  std::atomic<std::uint64_t> returns{0};    ///< of ejected endpoints whose probe went well
  std::atomic<std::uint64_t> spared{0};     ///< that would have been ejected, had not too many been, or all others
  std::atomic<std::uint64_t> panics{0};     ///< picks among all, since too few were healthy
  std::atomic<std::uint64_t> refused{0};    ///< by a cap
  std::atomic<std::uint64_t> withheld{0};   ///< repeats for which there was no budget
};

}  // namespace loam::upstream
