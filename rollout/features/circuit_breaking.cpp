#include "proxy/filters/circuit_breaking.h"

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    simulate("circuit_breaking.simulate"),
    {.name = "on", .unit = Unit::Instance, .capability = "circuit_breaking.on"},
};

/// Of the caps a proxy carries out that on exchanges under way.
std::vector<std::string_view> demands(const Target& target) {
  const auto caps = typed<filters::CircuitBreakingSettings>(target.settings).caps;
  std::vector<std::string_view> all;
  if (caps && caps->connections) all.emplace_back("circuit_breaking.connections");
  if (caps && caps->pending) all.emplace_back("circuit_breaking.pending");
  return all;
}

}  // namespace

/// Caps and ejection, each only where it is asked for.
Feature circuitBreaking() {
  return {.name = "circuit_breaking",
          .summary = "leaves failing endpoints alone for a while, and caps what is under way",
          .acts = "caller side",
          .ladder = kLadder,
          .settings = settingsOf<filters::CircuitBreakingSettings>,
          .complete = completeOf<filters::CircuitBreakingSettings>,
          .outline = filters::outline<filters::CircuitBreakingSettings>,
          .needs = needsServeWhenOn,
          .demands = demands,
          .impact = circuitBreakingImpact,
          .asksMoments = true};
}

}  // namespace loam::features
