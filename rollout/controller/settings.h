#pragma once

#include <optional>
#include <string>

#include "proxy/base/address.h"
#include "proxy/base/home.h"
#include "proxy/base/log.h"
#include "proxy/base/result.h"
#include "rollout/controller/authority_settings.h"

namespace loam::controller {

/// What loam-controller is to do; a flag wins over the file, the file over what LOAM_HOME says.
struct Settings {
  std::optional<SocketAddress> listen;  ///< loopback TCP, beside the socket; none by default
  std::string socket;
  std::string database;
  std::string control;    ///< file of flags, changes and the audit log
  std::string catalogue;  ///< empty: none
  /// Where agents ask, over mutual TLS, from any host; without it no authority is held.
  std::optional<SocketAddress> agents{};
  std::string trustDomain = "loam";  ///< of all names that the authority gives
  AuthoritySettings authority{};
  LogLevel logLevel = LogLevel::Info;
};

/// Reads a file with the keys listen, socket, agents, trust_domain, authority, db, control_db, catalogue and log_level
/// over the defaults of `home`. All problems at once, "FILE:LINE:COLUMN: what was expected" each.
Result<Settings> loadSettings(const std::string& path, const Home& home);
Settings defaultSettings(const Home& home);

/// Until people have to prove who they are, nobody but this host may connect here. Says what to write instead.
Status checkListen(const SocketAddress& address);

}  // namespace loam::controller
