#include "rollout/controller/local_roles.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

namespace loam::controller {

namespace {

Result<gid_t> groupCalled(const std::string& name) {
  std::vector<char> room(4096);
  group entry{};
  group* found = nullptr;
  int error = 0;
  while ((error = ::getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found)) == ERANGE) {
    room.resize(room.size() * 2);
  }
  if (found != nullptr) return entry.gr_gid;
  if (error != 0) return fail(systemError(error, "socket_roles: looking for the group \"" + name + "\""));
  return fail(ErrorCode::InvalidArgument, "socket_roles: this host has no group \"" + name + "\"");
}

/// Of the host's own file alone: a directory in the network may hold a hundred thousand.
std::map<uid_t, std::string> logins() {
  std::map<uid_t, std::string> names;
  const std::unique_ptr<FILE, decltype([](FILE* file) { std::fclose(file); })> file(std::fopen("/etc/passwd", "re"));
  if (!file) return names;
  std::vector<char> room(64 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  while (::fgetpwent_r(file.get(), &entry, room.data(), room.size(), &found) == 0) {
    names.emplace(entry.pw_uid, entry.pw_name);
  }
  return names;
}

}  // namespace

Result<api::LocalRoles> localRoles(const SocketRoles& groups) {
  api::LocalRoles local;
  local.logins = logins();
  for (const auto& [role, names] : groups) {
    for (const std::string& name : names) {
      const auto group = groupCalled(name);
      if (!group) return fail(group.error());
      if (role == "proxy") {
        local.proxies.insert(*group);
      } else if (const auto known = access::parseRole(role)) {
        api::Access& highest = local.groups.try_emplace(*group, api::Access::Viewer).first->second;
        highest = std::max(highest, api::accessOf(*known));
      }
    }
  }
  return local;
}

}  // namespace loam::controller
