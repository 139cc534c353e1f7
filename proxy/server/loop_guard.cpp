#include "proxy/server/loop_guard.h"

#include <algorithm>

#include "proxy/server/host_addresses.h"

namespace loam::server {

LoopGuard::LoopGuard(std::vector<SocketAddress> ownListeners)
    : ownListeners_(std::move(ownListeners)), addresses_(hostAddresses()) {}

void LoopGuard::refreshAddresses(Monotonic now) {
  if (now - addressesRead_ < seconds(10)) return;
  addressesRead_ = now;
  if (auto read = hostAddresses(); !read.empty()) addresses_ = std::move(read);
}

bool LoopGuard::isOwn(const SocketAddress& destination) const {
  return std::any_of(ownListeners_.begin(), ownListeners_.end(), [&](const SocketAddress& own) {
    if (own.port != destination.port) return false;
    if (own.ip == destination.ip) return true;
    return own.ip.isUnspecified() &&
           (destination.ip.isLoopback() || destination.ip.isUnspecified() || addresses_.contains(destination.ip));
  });
}

LoopGuard::Verdict LoopGuard::check(const IpAddress& client, const SocketAddress& destination, Monotonic now) {
  if (isOwn(destination)) return Verdict::OwnListener;
  if (now - second_ >= seconds(1)) {
    second_ = now;
    rates_.clear();
  }
  if (rates_.size() >= kMostDestinations && !rates_.contains(destination)) return Verdict::Pass;
  const bool bounced = client == destination.ip && !addresses_.contains(client);
  return ++rates_[destination].unanswered > (bounced ? kBouncedASecond : kUnansweredASecond) ? Verdict::Tripped
                                                                                             : Verdict::Pass;
}

void LoopGuard::answered(const SocketAddress& destination) {
  const auto found = rates_.find(destination);
  if (found != rates_.end() && found->second.unanswered != 0) --found->second.unanswered;
}

}  // namespace loam::server
