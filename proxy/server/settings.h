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

/// What `loam-proxy --config FILE` says; docs/config.md describes each key.
struct Settings {
  std::string name;  ///< of this proxy, unique in the mesh; the host's name by default
  std::string role = "node";
  unsigned workers = 0;    ///< 0: one per core
  std::string guard;       ///< socket of loam-guard; empty: nothing is captured
  std::string controller;  ///< Unix socket path, or ADDR:PORT on loopback; empty: the record stays in the spool
  std::string stateDir;    ///< spool and epoch live here
  std::optional<SocketAddress> admin;  ///< none: no admin port
  std::vector<ExplicitPort> listen;
  bool observe = true;      ///< false: relay without tap
  bool reverseDns = false;  ///< ask the host's resolver for names of addresses
  LogLevel logLevel = LogLevel::Info;

  /// Reads the YAML text strictly; the error lists every problem as FILE:LINE:COLUMN.
  static Result<Settings> parse(std::string_view text, const std::string& file);
  static Result<Settings> load(const std::string& path);
};

}  // namespace loam::server
