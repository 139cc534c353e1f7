#pragma once

#include <cstdint>

#include "proxy/filters/form.h"

namespace loam::filters {

/// What the tap keeps of the traffic of a service. Whether it looks at all is the stage.
struct ObserveSettings {
  std::uint32_t routes = 100;  ///< route templates that an edge is told apart by; 0: none (rollout.md 4.5)

  void describe(Form& form);
};

}  // namespace loam::filters
