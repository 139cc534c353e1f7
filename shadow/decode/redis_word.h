#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace loam::decode {

/// The beginning of a word, as capitals: enough to tell commands and kinds of message apart.
class RedisWord {
 public:
  static constexpr std::size_t kMost = 15;

  void clear() { size_ = 0; }
  bool full() const { return size_ == kMost; }
  void add(std::uint8_t byte) {
    if (full()) return;
    held_[size_++] = static_cast<char>(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
  }
  std::string_view text() const { return {held_.data(), size_}; }

 private:
  std::array<char, kMost> held_{};
  std::uint8_t size_ = 0;
};

}  // namespace loam::decode
