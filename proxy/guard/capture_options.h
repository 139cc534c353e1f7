#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "proxy/guard/capture_settings.h"

namespace loam::guard {

/// What is captured, as a person types it: the same words for `loam-guard` and `loam capture apply`.
class CaptureOptions {
 public:
  void declare(CLI::App& command);
  /// Puts what was typed on top of `settings`. InvalidArgument for what is no port, network or user.
  Status addTo(CaptureSettings& settings) const;

 private:
  bool outbound_ = false;
  std::string inbound_;
  std::vector<std::string> includePorts_, excludePorts_, includeAddresses_, excludeAddresses_, includeUsers_,
      excludeUsers_;
  bool noDns_ = false;
  bool notrackOwn_ = false;
};

}  // namespace loam::guard
