#include "proxy/base/kill_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "proxy/base/atomic_file.h"
#include "proxy/base/descriptor.h"
#include "proxy/base/durable_file.h"
#include "proxy/base/json.h"

namespace loam {

namespace {

constexpr std::size_t kMostBytes = 64 * 1024;
constexpr mode_t kForAll = 0644;  // who writes it need not be who runs the proxy

KillOrder parse(std::string_view text) {
  const auto value = parseJson(text);
  if (!value || !value->isObject()) return {};
  return {readString(*value, "who").value_or(""), readInt(*value, "when").value_or(0),
          readString(*value, "why").value_or("")};
}

}  // namespace

std::filesystem::path killFile(const std::filesystem::path& stateDirectory) { return stateDirectory / "killed"; }

Status writeKill(const std::filesystem::path& stateDirectory, const KillOrder& order) {
  const std::filesystem::path path = killFile(stateDirectory);
  Json::Value out(Json::objectValue);
  out["who"] = order.who;
  out["when"] = Json::Int64(order.when);
  out["why"] = order.why;
  if (const Status written = replaceFile(path, writeJson(out) + "\n"); !written) {
    const Descriptor empty(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kForAll));  // a name needs no room
    if (!empty) return written;
    static_cast<void>(syncDirectoryOf(path));
  }
  if (::chmod(path.c_str(), kForAll) != 0) return fail(systemError(errno, "showing " + path.string()));
  return {};
}

Result<bool> removeKill(const std::filesystem::path& stateDirectory) {
  const std::filesystem::path path = killFile(stateDirectory);
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return false;
    return fail(systemError(errno, "removing " + path.string()));
  }
  LOAM_TRY(syncDirectoryOf(path));
  return true;
}

Result<std::optional<KillOrder>> readKill(const std::filesystem::path& stateDirectory) {
  const std::filesystem::path path = killFile(stateDirectory);
  struct stat there {};
  if (::stat(path.c_str(), &there) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail(systemError(errno, "looking for " + path.string()));
  }
  return parse(readFile(path, kMostBytes).value_or(""));
}

}  // namespace loam
