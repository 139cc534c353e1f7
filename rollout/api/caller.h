#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rollout/access/role.h"
#include "rollout/access/scope.h"

namespace loam::api {

/// Who may use a route. A person's role holds all that is before it.
enum class Access : std::uint8_t {
  Anyone,    ///< health, and what proves who somebody is: a join, a login
  Viewer,    ///< reads
  Operator,  ///< changes flags and services
  Admin,     ///< says who may do what
  Proxy,     ///< an agent: its own certificate, or a process of this host's own
};
/// "viewer", ...: in tokens, the API and the audit log.
std::string_view name(Access access);
Access accessOf(access::Role role);

/// Who asks, as the audit log names him.
struct Caller {
  std::string who{};             ///< "alice", "root", "spiffe://loam/proxy/node-a"; empty: nobody knows
  std::string via{};             ///< how that is known: "socket", "loopback", "token:ID", "certificate"
  Access role = Access::Anyone;  ///< Proxy: an agent and nothing else
  bool isOwnHost = false;  ///< a process of the controller's own user or root, on the same host: may be a proxy too
  std::optional<access::Scope> scope{};  ///< a token's that may not change everything
  std::string hint{};                    ///< what somebody who has no role can do about it
  bool hasWrongToken = false;            ///< showed one that is worth nothing, and is nobody
};

/// Deny by default: a route that says nothing does not compile, and who is nobody gets what is for anyone.
bool mayUse(const Caller& caller, Access access);

}  // namespace loam::api
