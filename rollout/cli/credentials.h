#pragma once

#include <string>

#include "proxy/http/target.h"
#include "proxy/io/byte_stream.h"
#include "rollout/cli/outcome.h"

namespace loam::cli {

/// The token to show: what is in the file that $LOAM_TOKEN_FILE names, else $LOAM_TOKEN, else what is in
/// $XDG_CONFIG_HOME/loam/token (~/.config/loam/token). Empty where there is none. A file that others can read is
/// refused.
Outcome<std::string> findToken();

/// The way to a controller.
struct ControllerPath {
  http::Target target;
  io::Wrap wrap{};  ///< TLS; empty: as it is
};

/// `address`: a socket, ADDRESS:PORT, or https://NAME:PORT, whose certificate then has to be good for that name under
/// the authorities of the file `ca`, or the host's own where it is empty. Asks the resolver.
Outcome<ControllerPath> findController(const std::string& address, const std::string& ca);

}  // namespace loam::cli
