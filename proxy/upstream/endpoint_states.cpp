#include "proxy/upstream/endpoint_states.h"

namespace loam::upstream {

std::shared_ptr<EndpointState> EndpointStates::of(const std::string& service, const SocketAddress& address,
                                                  Monotonic now) {
  constexpr seconds kBetweenLooks{60};
  const std::lock_guard lock(mutex_);
  if (looked_ == Monotonic{} || now - looked_ >= kBetweenLooks) forget(now, kRemembered);
  const auto found = endpoints_.find({service, address});
  if (found != endpoints_.end()) {
    Known& known = found->second;
    if (known.state.use_count() == 1) known.state->restart(now);
    known.unused = now;
    return known.state;
  }
  if (endpoints_.size() >= kMost) forget(now, nanoseconds(0));
  auto state = std::make_shared<EndpointState>(serviceOf(service), now);
  if (endpoints_.size() < kMost) endpoints_.emplace(std::pair(service, address), Known{state, now});
  return state;
}

std::shared_ptr<ServiceState> EndpointStates::ofService(const std::string& service) {
  const std::lock_guard lock(mutex_);
  return serviceOf(service);
}

std::size_t EndpointStates::size() const {
  const std::lock_guard lock(mutex_);
  return endpoints_.size();
}

std::shared_ptr<ServiceState> EndpointStates::serviceOf(const std::string& service) {
  std::weak_ptr<ServiceState>& kept = services_[service];
  auto state = kept.lock();
  if (!state) kept = state = std::make_shared<ServiceState>();
  return state;
}

/// Drops what nobody has used for as long as `unused`.
void EndpointStates::forget(Monotonic now, nanoseconds unused) {
  looked_ = now;
  for (auto one = endpoints_.begin(); one != endpoints_.end();) {
    Known& known = one->second;
    const bool isUsed = known.state.use_count() > 1;
    if (isUsed) known.unused = now;
    one = isUsed || now - known.unused < unused ? std::next(one) : endpoints_.erase(one);
  }
  std::erase_if(services_, [](const auto& one) { return one.second.expired(); });
}

}  // namespace loam::upstream
