#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/guard/capture_settings.h"

namespace loam::guard {

/// What loam-guard is started with.
struct GuardSettings {
  std::string socket;  ///< empty: the default path
  std::string state;   ///< directory of what it keeps across restarts; empty: the default one
  std::string user;    ///< name or uid of the proxy's user; empty: root
  CaptureSettings capture;
  Footprint footprint;
};

/// Reads loam-guard's YAML (docs/operations.md). On failure every mistake is named, a line each, "NAME:LINE:COLUMN:
/// what was expected".
Result<GuardSettings> parseGuardSettings(const std::string& text, const std::string& name);

/// "80,443,8000-8002" as ports. Ranges hold at most 1024.
Result<std::vector<std::uint16_t>> parsePorts(std::string_view text);
/// A user's name or number as uid. NotFound for a name that this host does not know.
Result<std::uint32_t> parseUser(const std::string& text);

}  // namespace loam::guard
