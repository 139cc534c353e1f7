#pragma once

#include <string>
#include <vector>

#include "proxy/guard/capture_settings.h"

namespace loam::guard {

/// One thing that capture needs of the host, and how it stands.
struct PreflightCheck {
  enum class Verdict { Ok, Warn, Fail };

  std::string id;  ///< "LD-0101": stable, documented in docs/operations.md
  Verdict verdict = Verdict::Ok;
  std::string what;      ///< what was looked at
  std::string measured;  ///< what was found
  std::string fix;       ///< what to do about it, as a command where there is one; empty when all is well
};

/// Looks at this host without changing it: for `loam doctor`, and for the guard before it starts. Blocking, some
/// milliseconds.
std::vector<PreflightCheck> preflight(const Footprint& footprint);

}  // namespace loam::guard
