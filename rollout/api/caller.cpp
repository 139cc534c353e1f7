#include "rollout/api/caller.h"

namespace loam::api {

std::string_view name(Access access) {
  switch (access) {
    case Access::Anyone:
      return "anyone";
    case Access::Viewer:
      return "viewer";
    case Access::Operator:
      return "operator";
    case Access::Admin:
      return "admin";
    case Access::Proxy:
      return "proxy";
  }
  return "";
}

Access accessOf(access::Role role) {
  switch (role) {
    case access::Role::Admin:
      return Access::Admin;
    case access::Role::Operator:
      return Access::Operator;
    case access::Role::Viewer:
      break;
  }
  return Access::Viewer;
}

bool mayUse(const Caller& caller, Access access) {
  if (access == Access::Anyone) return true;
  if (access == Access::Proxy) return caller.role == Access::Proxy || caller.isOwnHost;
  return caller.role != Access::Proxy && caller.role >= access;
}

}  // namespace loam::api
