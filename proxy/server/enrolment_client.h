#pragma once

#include <string>

#include "proxy/http/kept_connection.h"
#include "proxy/server/identity.h"

namespace loam::server {

/// Where and as whom a proxy joins.
struct JoinTerms {
  http::Target controller{};  ///< the agents' port
  std::string root;           ///< SHA-256 of the root that is believed for it, lower-case hex
  std::string controllerName = "controller";
  std::string proxy;  ///< its name
};

/// POST /v1/join under a new key, over a connection that believes the pinned root and shows no certificate (D14).
/// InvalidArgument: the controller will never take this token. Any other error: it may later; Denied: who answers is
/// not the controller that is pinned, and has not seen the token.
io::Task<Result<Identity>> askToJoin(io::EventLoop& loop, JoinTerms terms, std::string token, Monotonic deadline);

/// POST /v1/renew under a new key. `connection` is secured by `present`, whose name the next one has as well.
io::Task<Result<Identity>> askToRenew(io::EventLoop& loop, http::KeptConnection& connection,
                                      std::shared_ptr<const Identity> present, Monotonic deadline);

}  // namespace loam::server
