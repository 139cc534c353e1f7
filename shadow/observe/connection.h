#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "shadow/observe/edge_key.h"
#include "shadow/observe/record.h"

namespace loam::observe {

/// One connection as the aggregator knows it. Until it is settled its records wait in `held`, so that they are counted
/// under what the connection turns out to be.
struct Connection {
  static constexpr std::uint32_t kNoEdge = std::numeric_limits<std::uint32_t>::max();

  SocketAddress client;
  SocketAddress destination;
  Monotonic openedAt;
  std::uint64_t generation = 0;
  std::uint32_t serial = 0;
  std::uint32_t edge = kNoEdge;
  std::uint32_t owner = 0;
  std::uint32_t ownersAsked = 0;  ///< inventory that `owner` was last looked for in
  std::uint32_t identity = 0;     ///< in Identities, held
  std::uint16_t tls = 0;
  std::uint16_t security = 0;  ///< relay::Security as its proxy told it
  Sight sight = Sight::Explicit;
  decode::Protocol protocol = decode::Protocol::Unknown;  ///< as its decoder said
  decode::Protocol counted = decode::Protocol::Unknown;   ///< what it is counted as
  bool live = false;
  bool settled = false;
  bool said = false;  ///< at least one byte passed
  bool tlsCounted = false;
  bool serviceNamed = false;  ///< gRPC: its service was noted
  std::vector<Observation> held;
};

}  // namespace loam::observe
