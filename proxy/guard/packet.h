#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"

namespace loam::guard {

/// Writes the fields of a message, big-endian, texts and lists behind their 32-bit count.
class PacketWriter {
 public:
  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void flag(bool value) { u8(value ? 1 : 0); }
  void u16(std::uint16_t value) { u8(static_cast<std::uint8_t>(value >> 8)), u8(static_cast<std::uint8_t>(value)); }
  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16)), u16(static_cast<std::uint16_t>(value));
  }
  void u64(std::uint64_t value) {
    u32(static_cast<std::uint32_t>(value >> 32)), u32(static_cast<std::uint32_t>(value));
  }
  void text(std::string_view value);
  void address(const IpAddress& value);
  void address(const SocketAddress& value) { address(value.ip), u16(value.port); }
  template <class List, class Each>
  void list(const List& values, Each each) {
    u32(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values) each(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads them back from bytes that nobody vouches for: past the end it gives zeros and finish() fails.
class PacketReader {
 public:
  explicit PacketReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t u8();
  bool flag();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  std::string text();
  IpAddress ip();
  SocketAddress socketAddress();
  /// `each()` reads one value. A count that the rest of the bytes cannot hold is a failure, not an allocation.
  template <class Each>
  auto list(Each each) {
    std::vector<decltype(each())> values;
    const std::uint32_t count = u32();
    if (count > bytes_.size()) bad_ = true;
    for (std::uint32_t i = 0; i < count && !bad_; ++i) values.push_back(each());
    return values;
  }
  /// Protocol unless everything was there and nothing is left.
  Status finish() const;
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
  bool bad_ = false;
};

}  // namespace loam::guard
