#pragma once

#include <string>
#include <string_view>

#include "proxy/base/address.h"

namespace loam::http {

/// Where a control-side server listens.
struct Target {
  std::string socketPath{};  ///< a Unix socket; empty for TCP
  SocketAddress address{};
  std::string host{};  ///< what a request calls the server ("loam.example:7400"); empty: its address

  /// "/run/loam/controller.sock", "./x.sock", "127.0.0.1:7400", "[::1]:7400" or "localhost:7400"; no other names.
  static Result<Target> parse(std::string_view text);
  std::string text() const;
};

}  // namespace loam::http
