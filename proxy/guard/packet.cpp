#include "proxy/guard/packet.h"

#include <array>

namespace loam::guard {

void PacketWriter::text(std::string_view value) {
  u32(static_cast<std::uint32_t>(value.size()));
  out_.append(value);
}

void PacketWriter::address(const IpAddress& value) {
  for (const std::uint8_t byte : value.bytes()) u8(byte);
}

std::uint8_t PacketReader::u8() {
  if (bytes_.empty()) {
    bad_ = true;
    return 0;
  }
  const auto value = static_cast<std::uint8_t>(bytes_.front());
  bytes_.remove_prefix(1);
  return value;
}

bool PacketReader::flag() {
  const std::uint8_t value = u8();
  if (value > 1) bad_ = true;
  return value == 1;
}

std::uint16_t PacketReader::u16() {
  const unsigned high = u8();
  return static_cast<std::uint16_t>(high << 8 | u8());
}

std::uint32_t PacketReader::u32() {
  const std::uint32_t high = u16();
  return high << 16 | u16();
}

std::uint64_t PacketReader::u64() {
  const std::uint64_t high = u32();
  return high << 32 | u32();
}

std::string PacketReader::text() {
  const std::uint32_t size = u32();
  if (size > bytes_.size()) {
    bad_ = true;
    return {};
  }
  std::string value(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return value;
}

IpAddress PacketReader::ip() {
  std::array<std::uint8_t, 16> bytes;
  for (auto& byte : bytes) byte = u8();
  return IpAddress::v6(bytes);
}

SocketAddress PacketReader::socketAddress() {
  const IpAddress address = ip();
  return {address, u16()};
}

Status PacketReader::finish() const {
  if (!bad_ && bytes_.empty()) return {};
  return fail(ErrorCode::Protocol, bad_ ? "a message to or from loam-guard is cut short or malformed"
                                        : "a message to or from loam-guard has bytes behind its end");
}

}  // namespace loam::guard
