#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam {

/// An IPv4 or IPv6 address in 16 bytes; IPv4 is held mapped (::ffff:a.b.c.d), so that both families compare and hash
/// alike.
class IpAddress {
 public:
  IpAddress() = default;
  /// `bytes` in network order.
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  /// "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1" (which is the IPv4 address). Fails on anything else, a zone id
  /// included.
  static Result<IpAddress> parse(std::string_view text);

  bool isV4() const;
  bool isLoopback() const;
  bool isUnspecified() const;
  bool isLinkLocal() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::array<std::uint8_t, 4> v4Bytes() const { return {bytes_[12], bytes_[13], bytes_[14], bytes_[15]}; }
  std::string text() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address and a port: one end of a TCP connection.
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  /// From the kernel's form; an unknown family gives the unspecified address and port 0.
  static SocketAddress from(const sockaddr_storage& storage);
  /// "10.0.0.1:80", "[2001:db8::1]:80". Fails on a missing or impossible port and on host names.
  static Result<SocketAddress> parse(std::string_view text);
  /// Fills `storage` and returns its length; family AF_INET for IPv4 unless `asV6` asks for the mapped form.
  socklen_t to(sockaddr_storage& storage, bool asV6 = false) const;
  std::string text() const;

  auto operator<=>(const SocketAddress&) const = default;
};

}  // namespace loam

template <>
struct std::hash<loam::IpAddress> {
  std::size_t operator()(const loam::IpAddress& ip) const noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, ip.bytes().data(), sizeof halves);
    return (halves[0] * 0x9E3779B97F4A7C15u) ^ ((halves[1] ^ (halves[1] >> 29)) * 0xBF58476D1CE4E5B9u);
  }
};

template <>
struct std::hash<loam::SocketAddress> {
  std::size_t operator()(const loam::SocketAddress& address) const noexcept {
    return std::hash<loam::IpAddress>()(address.ip) ^ (address.port * 0x94D049BB133111EBu);
  }
};
