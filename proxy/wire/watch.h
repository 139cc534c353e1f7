#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/result.h"
#include "proxy/wire/snapshot.h"

namespace loam::wire {

/// A snapshot that a proxy does not take, and why.
struct Refusal {
  std::uint64_t generation = 0;
  std::vector<std::string> reasons;

  bool operator==(const Refusal&) const = default;
};

/// What a proxy that was drained still has: it captures nothing any more.
struct Drained {
  bool accepting = false;                 ///< clients that were on their way are still taken, for a few seconds
  std::uint64_t connections = 0;          ///< captured before, and relayed until they end
  std::vector<SocketAddress> ports;       ///< explicit ones, which stay open: nobody else would answer there
  std::uint64_t explicitConnections = 0;  ///< through those

  bool operator==(const Drained&) const = default;
  bool isOver() const { return !accepting && connections == 0; }
};

/// What a proxy says when it asks for what is newer than what it has: one question that acknowledges as well. The
/// controller answers when there is something, or after `waitMs` with nothing.
struct Watch {
  std::string proxy;
  std::string version;                    ///< of the program
  std::vector<std::string> capabilities;  ///< stages that it can carry out ("observe.sampled"); sorted
  std::uint64_t epoch = 0;                ///< of the snapshot that it runs
  std::uint64_t acknowledged = 0;         ///< generation that is on its disk
  std::uint64_t inEffect = 0;             ///< generation that all of its workers run
  std::optional<Refusal> refused;
  std::uint64_t oldConnections = 0;   ///< live ones that began under an earlier generation
  std::uint64_t trust = 0;            ///< step of the trust whose roots it believes and whose leaf it holds; 0: none
  bool killed = false;                ///< on its own host: it runs no feature, whatever it acknowledges
  std::optional<Drained> drained;     ///< it is drained, and capture is revoked
  std::vector<SocketAddress> missed;  ///< destinations that the snapshot does not know, since the last question
  std::uint32_t waitMs = 0;

  bool operator==(const Watch&) const = default;
};

constexpr std::size_t kMostWatchBytes = 256 * 1024;
constexpr std::size_t kMostMissed = 256;
constexpr std::size_t kMostPorts = 256;  ///< of Drained; more are not told
constexpr std::uint32_t kMostWaitMs = 60'000;
/// Seconds that a proxy's clock and its controller's may differ before somebody is told. Both measure it at each
/// question: the controller by the Date of the question, the proxy by that of the answer.
constexpr std::int64_t kMostSkew = 30;

std::string encode(const Watch& watch);
Result<Watch> decodeWatch(std::string_view json);

}  // namespace loam::wire
