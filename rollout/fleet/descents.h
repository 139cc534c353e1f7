#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "rollout/flags/desired.h"

namespace loam::fleet {

/// Flags that go down rung by rung, and how far each is. The next rung is told when all that carry the service run the
/// one before, or after kPatience: who does not answer keeps nobody waiting for ever. One thread.
class Descents {
 public:
  static constexpr milliseconds kPatience{5000};
  /// For the first rung of ways that a controller finds when it starts: proxies come back to it one after the other.
  static constexpr milliseconds kPatienceAtStart{15'000};

  /// Takes over what is wanted. A way that was begun goes on where it is, also when it ends elsewhere now.
  void take(std::shared_ptr<const flags::Desired> desired, Monotonic now);
  /// `isRun`: whether all that carry a service run what they were told. True when something else is to be told now.
  bool advance(Monotonic now, const std::function<bool(const std::string& service)>& isRun);

  /// What is wanted, with the rung of the moment for each flag that is on its way.
  const flags::Desired& told() const { return *told_; }
  /// The greatest revision of what is wanted that snapshots of this service say: less than its newest while one of its
  /// flags is on its way.
  std::uint64_t covered(const std::string& service) const;
  bool isAnyUnderWay() const;
  /// Those that came to their end: they need not be kept any longer.
  std::vector<flags::Descent> over() const;

 private:
  struct Way {
    flags::Descent descent;
    std::vector<flags::Flag> steps;
    std::size_t at = 0;  // of the steps; beyond the last: it is over
    Monotonic until;
    bool isOver() const { return at >= steps.size(); }
  };
  void tell();

  std::shared_ptr<const flags::Desired> desired_ = std::make_shared<const flags::Desired>();
  std::shared_ptr<const flags::Desired> told_ = desired_;
  std::map<flags::Cell, Way> ways_;
  bool started_ = false;
};

}  // namespace loam::fleet
