#pragma once

#include <atomic>
#include <cstdint>

#include "proxy/base/clock.h"
#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"

namespace loam::server {

/// A page of shared memory with one counter per worker. The guard maps it and renews the dead-man switch only while
/// each of them moves; a worker that hangs says so by its silence.
class HeartbeatPage {
 public:
  static constexpr milliseconds kEvery{250};

  static Result<HeartbeatPage> make(unsigned workers);
  HeartbeatPage(HeartbeatPage&& other) noexcept;
  HeartbeatPage& operator=(HeartbeatPage&&) = delete;
  ~HeartbeatPage();

  int descriptor() const { return memory_.get(); }
  /// Worker `index` is alive. Its thread.
  void beat(unsigned index) { counters_[index].fetch_add(1, std::memory_order_relaxed); }

 private:
  HeartbeatPage(Descriptor memory, std::atomic<std::uint64_t>* counters, std::size_t bytes)
      : memory_(std::move(memory)), counters_(counters), bytes_(bytes) {}
  Descriptor memory_;
  std::atomic<std::uint64_t>* counters_;
  std::size_t bytes_;
};

}  // namespace loam::server
