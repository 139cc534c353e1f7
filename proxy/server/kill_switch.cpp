#include "proxy/server/kill_switch.h"

#include <pthread.h>

#include <utility>

#include "proxy/base/utc.h"

namespace loam::server {

namespace {

constexpr std::int32_t kWhole = 100'000;  // thousandths of a percent

/// Plaintext to a peer that refuses it would be an outage: connections to a strict service go on in TLS where that can
/// be had. A callee takes both, and refuses nobody.
void takeDown(wire::FeatureConfig& mtls) {
  if (mtls.stage == "strict") {
    mtls.stage = "prefer";  // for whom it was strict; for the others, who preferred, permissive
    mtls.settings["fallback"] = "allow";
  } else if (mtls.stage == "prefer") {
    mtls.stage = "permissive";
    mtls.share = kWhole;
    mtls.include.clear();  // callers; what follows is of instances
    mtls.exclude.clear();
  }
}

bool isLeft(const wire::FeatureConfig& feature) {
  const bool takesBoth = feature.stage == "prefer" || feature.stage == "permissive";
  return feature.feature == "observe" || (feature.feature == "mtls" && takesBoth);
}

void leaveHarmless(std::vector<wire::FeatureConfig>& features) {
  for (wire::FeatureConfig& feature : features) {
    if (feature.feature == "mtls") takeDown(feature);
  }
  std::erase_if(features, [](const wire::FeatureConfig& feature) { return !isLeft(feature); });
}

}  // namespace

KillSwitch::KillSwitch(std::filesystem::path stateDirectory, Log& log)
    : directory_(std::move(stateDirectory)), log_(log) {
  look();
}

void KillSwitch::start(std::function<void(bool killed)> changed) {
  thread_ = std::thread([this, changed = std::move(changed)] {
    ::pthread_setname_np(::pthread_self(), "kill-switch");
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kEvery, [this] { return stopping_; })) {
      lock.unlock();
      if (look()) changed(isKilled());
      lock.lock();
    }
  });
}

void KillSwitch::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::optional<KillOrder> KillSwitch::order() const {
  const std::lock_guard lock(mutex_);
  return order_;
}

bool KillSwitch::look() {
  const auto found = readKill(directory_);
  if (!found) return false;  // what held goes on
  const bool changed = found->has_value() != isKilled();
  {
    const std::lock_guard lock(mutex_);
    order_ = *found;
  }
  killed_.store(found->has_value(), std::memory_order_relaxed);
  if (!changed) return false;
  if (*found) {
    log_.error("kill", "killed on this host: every feature but observing is off; mtls refuses nobody",
               {{"file", killFile(directory_).string()},
                {"who", (*found)->who},
                {"when", utcText((*found)->when)},
                {"why", (*found)->why}});
  } else {
    log_.warn("kill", "restored: features are as the snapshot says again");
  }
  return true;
}

void describeKill(const KillSwitch& kill, Json::Value& state) {
  const auto order = kill.order();
  state["killed"] = order.has_value();
  if (!order) return;
  state["killed_by"] = order->who;
  state["killed_at"] = utcText(order->when);
  state["killed_why"] = order->why;
}

wire::Snapshot whatKillLeaves(wire::Snapshot snapshot) {
  leaveHarmless(snapshot.defaults);
  for (wire::ServiceConfig& service : snapshot.services) leaveHarmless(service.features);
  return snapshot;
}

}  // namespace loam::server
