#include "rollout/api/agent_caller.h"

#include "rollout/identity/spiffe_id.h"

namespace loam::api {

Caller agentCaller(const http::Request& request, std::string_view trustDomain) {
  Caller caller;
  const auto id = identity::parseSpiffeId(request.peer.id);
  if (!id || id->trustDomain != trustDomain || id->kind != identity::kProxyKind) return caller;
  caller.who = request.peer.id;
  caller.via = "certificate";
  caller.role = Access::Proxy;
  return caller;
}

std::string provenProxy(const Caller& caller) {
  if (caller.role != Access::Proxy) return {};
  const auto id = identity::parseSpiffeId(caller.who);
  return id ? id->name : std::string();
}

}  // namespace loam::api
