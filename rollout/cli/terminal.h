#pragma once

#include <ostream>

namespace loam::cli {

/// Where a command writes: data to `out`, talk to `err`.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool interactive = false;  ///< `out` is a terminal
  bool colour = false;
  unsigned width = 0;   ///< columns; 0: no bound
  unsigned height = 0;  ///< rows; 0: no bound

  const char* bold() const { return colour ? "\x1b[1m" : ""; }
  const char* red() const { return colour ? "\x1b[31m" : ""; }
  const char* yellow() const { return colour ? "\x1b[33m" : ""; }
  const char* green() const { return colour ? "\x1b[32m" : ""; }
  const char* dim() const { return colour ? "\x1b[2m" : ""; }
  const char* plain() const { return colour ? "\x1b[0m" : ""; }
};

/// The process's own: colour on a terminal unless NO_COLOR is set or TERM is dumb, and with CLICOLOR_FORCE.
Terminal processTerminal();

}  // namespace loam::cli
