#include <algorithm>
#include <array>

#include "rollout/features/feature.h"

namespace loam::features {

// Each stands in the file of its name.
Feature observe();
Feature shadow();
Feature serve();
Feature mtls();
Feature policy();
Feature rateLimit();
Feature balancing();
Feature routing();
Feature timeouts();
Feature retries();
Feature circuitBreaking();
Feature fault();

std::span<const Feature> registry() {
  static const std::array kAll{observe(),   shadow(),  serve(),    mtls(),    policy(),          rateLimit(),
                               balancing(), routing(), timeouts(), retries(), circuitBreaking(), fault()};
  return kAll;
}

const Feature* find(std::string_view name) {
  const auto all = registry();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Feature& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace loam::features
