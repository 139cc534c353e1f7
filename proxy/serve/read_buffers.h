#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace loam::serve {

/// Read buffers of one worker's served connections: lent while bytes wait in them, so that an idle connection holds
/// none. One thread.
class ReadBuffers {
 public:
  static constexpr std::size_t kBytes = 16 * 1024;

  /// Of kBytes.
  std::vector<std::uint8_t> lend() {
    if (free_.empty()) return std::vector<std::uint8_t>(kBytes);
    auto buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  /// One that grew is let go.
  void giveBack(std::vector<std::uint8_t> buffer) {
    if (buffer.size() == kBytes && free_.size() < kKept) free_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kKept = 64;  // 1 MiB a worker
  std::vector<std::vector<std::uint8_t>> free_;
};

}  // namespace loam::serve
