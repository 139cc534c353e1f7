#pragma once

#include <cstdint>
#include <string>

#include "proxy/relay/tap.h"

namespace loam::filters {

/// A share of connections, as a snapshot says it. The unit is the connection: its two addresses, which both ends of an
/// edge see alike, so that they choose the same ones. Immutable.
class ConnectionShare {
 public:
  static constexpr std::int32_t kWhole = 100'000;

  /// All of them.
  ConnectionShare() = default;
  /// `share`: thousandths of a percent; `salt`: of the buckets.
  ConnectionShare(std::int32_t share, std::string salt) : share_(share), salt_(std::move(salt)) {}

  bool has(const SocketAddress& client, const SocketAddress& destination) const;
  bool has(const relay::ConnectionFacts& facts) const { return has(facts.client, facts.destination); }

 private:
  std::int32_t share_ = kWhole;
  std::string salt_;
};

}  // namespace loam::filters
