#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/log.h"

namespace loam::server {

/// One explicit port: whoever connects to `address` is relayed to `to`.
struct ExplicitPort {
  SocketAddress address;
  SocketAddress to;
};

/// How the proxy gets an identity, and who its controller is.
struct IdentitySettings {
  std::string root;       ///< SHA-256 of the root that is believed at the join, lower-case hex
  std::string tokenFile;  ///< of the join token
  std::string controllerName = "controller";
};

/// What `loam-proxy --config FILE` says; docs/config.md describes each key.
struct Settings {
  std::string name;  ///< of this proxy, unique in the mesh; the host's name by default
  std::string role = "node";
  unsigned workers = 0;    ///< 0: one per core
  std::string guard;       ///< socket of loam-guard; empty: nothing is captured
  std::string controller;  ///< Unix socket path, or ADDR:PORT of its agents; empty: the record stays in the spool
  std::optional<IdentitySettings> identity;  ///< with an ADDR:PORT
  std::string stateDir;                      ///< spool, snapshot and identity live here
  std::optional<SocketAddress> admin;        ///< none: no admin port
  std::vector<ExplicitPort> listen;
  std::uint16_t peerPort = 7412;  ///< of all proxies of the mesh, and of their guards
  bool observe = true;            ///< false: relay without tap
  bool reverseDns = false;        ///< ask the host's resolver for names of addresses
  LogLevel logLevel = LogLevel::Info;

  /// Reads the YAML text strictly; the error lists every problem as FILE:LINE:COLUMN.
  static Result<Settings> parse(std::string_view text, const std::string& file);
  static Result<Settings> load(const std::string& path);
};

}  // namespace loam::server
