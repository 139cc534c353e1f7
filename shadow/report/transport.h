#pragma once

#include <string_view>

#include "proxy/base/result.h"

namespace loam::report {

/// The way to the controller. Blocks up to its own deadline; never called from a worker.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Delivers one report; Ok also when the controller had counted it before. InvalidArgument: it will never take this
  /// one. Any other error: it may later.
  virtual Status send(std::string_view report) = 0;
};

}  // namespace loam::report
