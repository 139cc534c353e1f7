#pragma once

#include <unordered_set>
#include <utility>
#include <vector>

#include "proxy/base/address.h"

namespace loam::server {

/// Destinations that the snapshot does not know, since somebody asked: the controller is told of them and widens what
/// it sends. At most kMost; the next ones are noted when these were taken. One worker.
class Missed {
 public:
  static constexpr std::size_t kMost = 64;

  void note(const SocketAddress& destination) {
    if (all_.size() < kMost) all_.insert(destination);
  }
  std::vector<SocketAddress> take() {
    const auto taken = std::exchange(all_, {});
    return {taken.begin(), taken.end()};
  }

 private:
  std::unordered_set<SocketAddress> all_;
};

}  // namespace loam::server
