#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace loam::decode {

using Bytes = std::span<const std::uint8_t>;

/// The unread part of one piece of a stream.
class ByteCursor {
 public:
  explicit ByteCursor(Bytes bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  std::size_t size() const { return rest_.size(); }
  Bytes rest() const { return rest_; }
  /// The next byte; there must be one.
  std::uint8_t next() {
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }
  /// The next `most` bytes, or as many as there are.
  Bytes take(std::uint64_t most) {
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(most, rest_.size()));
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

 private:
  Bytes rest_;
};

/// Unsigned numbers in network order and in little-endian order; `bytes` must hold offset + the width.
inline std::uint32_t bigEndian32(Bytes bytes, std::size_t offset) {
  return std::uint32_t{bytes[offset]} << 24 | std::uint32_t{bytes[offset + 1]} << 16 |
         std::uint32_t{bytes[offset + 2]} << 8 | bytes[offset + 3];
}

inline std::uint32_t bigEndian16(Bytes bytes, std::size_t offset) {
  return std::uint32_t{bytes[offset]} << 8 | bytes[offset + 1];
}

/// A little-endian number of `width` bytes, at most 8.
inline std::uint64_t littleEndian(Bytes bytes, std::size_t offset, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i > 0; --i) value = value << 8 | bytes[offset + i - 1];
  return value;
}

}  // namespace loam::decode
