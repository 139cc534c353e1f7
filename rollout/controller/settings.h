#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/home.h"
#include "proxy/base/log.h"
#include "proxy/base/result.h"

namespace loam::controller {

/// Groups of this host whose processes have a role on the Unix socket: by "viewer", "operator", "admin" and "proxy".
using SocketRoles = std::map<std::string, std::vector<std::string>, std::less<>>;

/// What loam-controller is to do; a flag wins over the file, the file over what LOAM_HOME says.
struct Settings {
  std::optional<SocketAddress> listen;  ///< loopback TCP, beside the socket; none by default
  std::string socket;
  std::string database;
  std::string control;    ///< file of flags, changes and the audit log
  std::string catalogue;  ///< empty: none
  SocketRoles socketRoles{};
  LogLevel logLevel = LogLevel::Info;
};

/// Reads a file with the keys of docs/config.md over the defaults of `home`. All problems at once, "FILE:LINE:COLUMN:
/// what was expected" each.
Result<Settings> loadSettings(const std::string& path, const Home& home);
Settings defaultSettings(const Home& home);

/// Until programs have identities, nobody but this host may connect. Says what to write instead.
Status checkListen(const SocketAddress& address);

}  // namespace loam::controller
