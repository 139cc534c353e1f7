#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"

namespace loam::server {

/// Keeps the proxy from dialling itself: refuses its own listeners on any address of this host, and trips on a
/// destination to which connections pour without ever being answered, as they do when proxies send them round
/// (A->B->A). One worker.
class LoopGuard {
 public:
  /// New connections to one destination within a second, unanswered, that trip it. Only a loop makes so many: the
  /// busiest service that still answers stays below, since an answer takes its connection off the count.
  static constexpr std::uint32_t kUnansweredASecond = 5000;
  /// The same for connections that would go back to the very address they came from: two proxies facing each other.
  static constexpr std::uint32_t kBouncedASecond = 200;
  static constexpr std::size_t kMostDestinations = 4096;

  enum class Verdict : std::uint8_t { Pass, OwnListener, Tripped };

  explicit LoopGuard(std::vector<SocketAddress> ownListeners);

  Verdict check(const IpAddress& client, const SocketAddress& destination, Monotonic now);
  /// The upstream took the connection and said something, or ended it in order.
  void answered(const SocketAddress& destination);
  /// Whether this host has the address, loopback included.
  bool isLocal(const IpAddress& address) const { return address.isLoopback() || addresses_.contains(address); }
  /// Addresses of this host, read again when they are older than 10 s.
  void refreshAddresses(Monotonic now);

 private:
  bool isOwn(const SocketAddress& destination) const;

  struct Rate {
    std::uint32_t unanswered = 0;
  };
  std::vector<SocketAddress> ownListeners_;
  std::unordered_set<IpAddress> addresses_;
  std::unordered_map<SocketAddress, Rate> rates_;
  Monotonic second_{};
  Monotonic addressesRead_{};
};

}  // namespace loam::server
