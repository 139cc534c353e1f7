#include "proxy/guard/attached_proxy.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>

namespace loam::guard {

Result<AttachedProxy> AttachedProxy::open(int session, std::uint32_t pid, unsigned workers, Descriptor heartbeats) {
  Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return fail(systemError(errno == ESRCH ? ENOENT : errno, "watching process " + std::to_string(pid)));
  AttachedProxy proxy(session, pid, workers, std::move(process), std::move(heartbeats));
  if (proxy.heartbeats().size() < workers) {
    return fail(ErrorCode::InvalidArgument,
                "the heartbeat page holds fewer than " + std::to_string(workers) + " counters");
  }
  return proxy;
}

std::vector<std::uint64_t> AttachedProxy::heartbeats() const {
  std::vector<std::uint64_t> counters(workers_);
  const ssize_t size = ::pread(heartbeats_.get(), counters.data(), counters.size() * sizeof(std::uint64_t), 0);
  counters.resize(size > 0 ? static_cast<std::size_t>(size) / sizeof(std::uint64_t) : 0);
  return counters;
}

bool mayMark(std::uint32_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  constexpr std::string_view kEffective = "CapEff:";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kEffective)) continue;
    const std::uint64_t capabilities = std::strtoull(line.c_str() + kEffective.size(), nullptr, 16);
    return (capabilities & (1ull << CAP_NET_RAW | 1ull << CAP_NET_ADMIN)) != 0;
  }
  return false;
}

}  // namespace loam::guard
