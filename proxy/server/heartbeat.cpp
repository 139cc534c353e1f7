#include "proxy/server/heartbeat.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace loam::server {

Result<HeartbeatPage> HeartbeatPage::make(unsigned workers) {
  const std::size_t bytes = workers * sizeof(std::atomic<std::uint64_t>);
  Descriptor memory(::memfd_create("loam-heartbeats", MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0) {
    return fail(systemError(errno, "making the heartbeat page"));
  }
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) return fail(systemError(errno, "mapping the heartbeat page"));
  return HeartbeatPage(std::move(memory), ::new (mapped) std::atomic<std::uint64_t>[workers], bytes);
}

HeartbeatPage::HeartbeatPage(HeartbeatPage&& other) noexcept
    : memory_(std::move(other.memory_)), counters_(std::exchange(other.counters_, nullptr)), bytes_(other.bytes_) {}

HeartbeatPage::~HeartbeatPage() {
  if (counters_ != nullptr) ::munmap(counters_, bytes_);
}

}  // namespace loam::server
