#pragma once

#include <string_view>

namespace loam::cli {

/// Waits; false when Ctrl-C or SIGTERM ended the wait. The signals end the program at once outside of it.
bool pauseFor(double seconds);

/// From here on Ctrl-C and SIGTERM wait for the next pause, so that what was started is also ended.
void holdSignals();

/// Seconds of "30s", "5m", "2h", "7d" or "45"; -1 for anything else.
double lengthSeconds(std::string_view text);

}  // namespace loam::cli
