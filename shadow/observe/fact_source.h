#pragma once

#include <functional>
#include <optional>

#include "proxy/guard/facts.h"

namespace loam::observe {

/// Where the observer gets the host's facts from. Never blocks: asking the guard or the kernel is done by somebody
/// else's thread.
class FactSource {
 public:
  virtual ~FactSource() = default;
  /// Facts that were read since the last call; the DNS answers of all readings are among them.
  virtual std::optional<guard::HostFacts> take() = 0;
};

}  // namespace loam::observe
