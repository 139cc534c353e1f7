#pragma once

#include <gtest/gtest.h>

#include "proxy/io/task_scope.h"
#include "rollout/fleet/drain.h"
#include "rollout/fleet/fleet.h"
#include "tests/support/fake_clock.h"

namespace loam::fleet {

/// A fleet of proxies p1 and p2 and three services, on one loop.
class FleetTest : public testing::Test {
 protected:
  FleetTest() {
    Topology made;
    for (const char* name : {"cart", "shop", "db"}) {
      made.services[name].endpoints = {
          *SocketAddress::parse("10.0.0." + std::to_string(made.services.size() + 1) + ":80")};
    }
    made.carried["p1"] = {"cart"};
    made.carried["p2"] = {"shop"};
    fleet.setTopology(std::make_shared<const Topology>(made));
  }

  struct Asked {
    bool done = false;
    std::optional<wire::Snapshot> snapshot;
  };
  /// The proxy asks; the answer stands in what this gives once it has come.
  std::shared_ptr<Asked> ask(wire::Watch watch, std::string spiffe = {}) {
    const auto asked = std::make_shared<Asked>();
    scope.spawn(askInto(std::move(watch), std::move(spiffe), asked));
    turn();
    return asked;
  }
  io::Task<void> askInto(wire::Watch watch, std::string spiffe, std::shared_ptr<Asked> asked) {
    const auto answer = co_await fleet.watch(std::move(watch), std::move(spiffe));
    if (*answer) asked->snapshot = *wire::decodeSnapshot(**answer);
    asked->done = true;
  }
  static io::Task<void> drop(io::Task<Result<std::optional<std::string>>> asked) {
    const auto answer = co_await asked;
    (void)answer;
  }
  void turn() {
    for (int i = 0; i < 5; ++i) loop->turn(milliseconds(0));
  }
  static wire::Watch question(const std::string& proxy, std::uint32_t waitMs = 30'000) {
    wire::Watch watch;
    watch.proxy = proxy;
    watch.capabilities = {"observe.on", "observe.sampled"};
    watch.waitMs = waitMs;
    return watch;
  }
  /// What a proxy says that runs this snapshot.
  static wire::Watch running(const wire::Snapshot& snapshot) {
    wire::Watch watch = question(snapshot.proxy);
    watch.epoch = snapshot.epoch;
    watch.acknowledged = watch.inEffect = snapshot.generation;
    return watch;
  }
  void set(const std::string& service, const std::string& stage) {
    flags::Flag flag;
    flag.cell = {service, "observe"};
    flag.stage = stage;
    flag.revision = ++desired.revision;
    desired.flags[flag.cell] = flag;
    fleet.setDesired(std::make_shared<const flags::Desired>(desired));
    turn();
  }

  /// What a proxy says that knows how to be drained.
  static wire::Watch able(wire::Watch watch) {
    watch.capabilities.insert(watch.capabilities.begin(), std::string(wire::kDrainCapability));
    return watch;
  }
  void setDrained(const std::string& proxy, bool drained) {
    ++desired.revision;
    if (drained) {
      desired.drains[proxy] = {proxy, "a test", "ada", 5, desired.revision};
    } else {
      desired.drains.erase(proxy);
    }
    fleet.setDesired(std::make_shared<const flags::Desired>(desired));
    turn();
  }
  DrainState drainState(const std::string& proxy) const { return drainStateOf(*fleet.agent(proxy), fleet.epoch()); }

  SystemClock clock;
  Log log{LogLevel::Error};
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  flags::Desired desired;
  Fleet fleet{*loop, 7, clock, log};
  io::TaskScope scope;
};

}  // namespace loam::fleet
