#pragma once

#include <string>

namespace loam {

/// Where the programs of one host keep their state and find each other, so that several sets can run side by side.
struct Home {
  std::string state;  ///< directory of databases, spools and keys
  std::string run;    ///< directory of Unix sockets

  std::string guardSocket() const { return run + "/guard.sock"; }
  std::string controllerSocket() const { return run + "/controller.sock"; }
};

/// By the environment: $LOAM_HOME and $LOAM_HOME/run when it is set; else /var/lib/loam and /run/loam for root; else
/// $XDG_STATE_HOME/loam (or ~/.local/state/loam) and its run/.
Home findHome();

}  // namespace loam
