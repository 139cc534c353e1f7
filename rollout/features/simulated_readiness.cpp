#include "rollout/features/simulated_readiness.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "rollout/features/mtls_readiness.h"

namespace loam::features {

std::uint64_t SimulatedCaller::refused() const {
  return std::accumulate(rules.begin(), rules.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& rule) { return sum + rule.second; });
}

std::string SimulatedCaller::why() const {
  std::vector<std::string> texts;
  for (const auto& [rule, count] : rules) texts.push_back(rule + " " + std::to_string(count));
  return listed(texts, ", ");
}

std::uint32_t SimulatedReadiness::percent() const {
  if (callers.empty()) return 100;
  return static_cast<std::uint32_t>((callers.size() - blocking) * 100 / callers.size());
}

std::string SimulatedReadiness::whoBlocks() const {
  std::vector<std::string> names;
  for (const SimulatedCaller& caller : callers) {
    if (caller.blocks) names.push_back(caller.name + " (" + caller.why() + ")");
  }
  return listed(names, ", ");
}

SimulatedReadiness simulatedReadiness(const record::Calls& calls, std::string_view feature,
                                      const std::vector<std::string>& exclude) {
  std::map<std::string, SimulatedCaller> byName;
  std::uint64_t all = 0;
  for (const record::Call& call : calls.calls) {
    byName[call.caller].connections += call.connections;
    all += call.connections;
  }
  for (const auto& [caller, sum] : calls.verdicts) {
    if (sum.feature != feature || sum.enforced) continue;
    SimulatedCaller& one = byName[caller];
    one.rules[sum.rule] += sum.count;
    one.lastRefused = std::max(one.lastRefused, sum.last);
  }
  SimulatedReadiness readiness;
  for (auto& [name, one] : byName) {
    one.name = name;
    if (all != 0) one.share = static_cast<double>(one.connections) / static_cast<double>(all);
    one.blocks = !one.rules.empty() && !std::binary_search(exclude.begin(), exclude.end(), name);
    if (one.blocks) ++readiness.blocking;
    readiness.callers.push_back(std::move(one));
  }
  std::stable_sort(readiness.callers.begin(), readiness.callers.end(),
                   [](const SimulatedCaller& a, const SimulatedCaller& b) {
                     return std::tuple(a.blocks, a.blocks ? a.refused() : 0, a.connections) >
                            std::tuple(b.blocks, b.blocks ? b.refused() : 0, b.connections);
                   });
  return readiness;
}

}  // namespace loam::features
