#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/home.h"
#include "proxy/base/log.h"
#include "proxy/base/result.h"
#include "rollout/controller/authority_settings.h"
#include "rollout/notify/hook_settings.h"

namespace loam::controller {

/// Groups of this host whose processes have a role on the Unix socket: by "viewer", "operator", "admin" and "proxy".
using SocketRoles = std::map<std::string, std::vector<std::string>, std::less<>>;

/// PEM files: the certificate with what leads to its root, and its key, which the world may not read.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

/// What loam-controller is to do; a flag wins over the file, the file over what LOAM_HOME says.
struct Settings {
  std::optional<SocketAddress> listen;  ///< TCP beside the socket; none by default
  std::optional<TlsFiles> tls{};        ///< how `listen` proves who it is
  std::vector<std::string> names{};     ///< Hosts that it goes by, beside those of its certificate
  std::string socket;
  std::string database;
  std::string control;    ///< file of flags, changes and the audit log
  std::string catalogue;  ///< empty: none
  /// Where agents ask, over mutual TLS, from any host; without it no authority is held.
  std::optional<SocketAddress> agents{};
  std::string trustDomain = "loam";  ///< of all names that the authority gives
  AuthoritySettings authority{};
  SocketRoles socketRoles{};
  std::vector<notify::HookSettings> webhooks{};  ///< with the secrets that their files held
  LogLevel logLevel = LogLevel::Info;
};

/// Reads a file with the keys of docs/config.md over the defaults of `home`. All problems at once, "FILE:LINE:COLUMN:
/// what was expected" each.
Result<Settings> loadSettings(const std::string& path, const Home& home);
Settings defaultSettings(const Home& home);

/// Other hosts may connect only over TLS. Says what to write instead.
Status checkListen(const Settings& settings);

}  // namespace loam::controller
