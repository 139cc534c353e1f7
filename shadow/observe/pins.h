#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "shadow/decode/decoder.h"

namespace loam::observe {

/// The protocol that a destination was seen to speak.
struct Pin {
  decode::Protocol protocol = decode::Protocol::Unknown;
  std::uint64_t samples = 0;    ///< connections that spoke it
  std::uint64_t conflicts = 0;  ///< connections that spoke another one
};

/// Learned protocols by destination, at most kMostDestinations of them; what is learned first stays. Observer thread.
class Pins {
 public:
  static constexpr std::size_t kMostDestinations = 10'000;

  /// One connection to `destination` spoke `protocol`. True when that contradicts what was learned there before, once
  /// for each protocol: the event of a mismatch.
  bool learn(const SocketAddress& destination, decode::Protocol protocol);
  /// The protocol with the most samples; of equals the one that stands first in decode::Protocol.
  std::optional<Pin> find(const SocketAddress& destination) const;
  /// Contradictions since the start, in connections.
  std::uint64_t conflicts() const { return conflicts_; }
  std::size_t size() const { return samples_.size(); }

 private:
  static constexpr std::size_t kProtocols = static_cast<std::size_t>(decode::Protocol::Mongodb) + 1;
  using Samples = std::array<std::uint32_t, kProtocols>;

  static Pin pinOf(const Samples& samples);

  std::unordered_map<SocketAddress, Samples> samples_;
  std::uint64_t conflicts_ = 0;
};

}  // namespace loam::observe
