#include "proxy/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

namespace loam {

namespace {
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress ip;
  std::memcpy(ip.bytes_.data(), kMappedPrefix.data(), 12);
  std::memcpy(ip.bytes_.data() + 12, bytes.data(), 4);
  return ip;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  IpAddress ip;
  ip.bytes_ = bytes;
  return ip;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 4> four{};
  std::array<std::uint8_t, 16> sixteen{};
  if (::inet_pton(AF_INET, copy.c_str(), four.data()) == 1) return v4(four);
  if (::inet_pton(AF_INET6, copy.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return fail(ErrorCode::InvalidArgument, "not an IP address: \"" + copy + "\"");
}

bool IpAddress::isV4() const { return std::memcmp(bytes_.data(), kMappedPrefix.data(), 12) == 0; }

bool IpAddress::isLoopback() const {
  if (isV4()) return bytes_[12] == 127;
  static constexpr std::array<std::uint8_t, 16> kOne{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == kOne;
}

bool IpAddress::isUnspecified() const {
  const auto from = isV4() ? bytes_.begin() + 12 : bytes_.begin();
  for (auto at = from; at != bytes_.end(); ++at)
    if (*at != 0) return false;
  return true;
}

bool IpAddress::isLinkLocal() const {
  if (isV4()) return bytes_[12] == 169 && bytes_[13] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  if (isV4()) return ::inet_ntop(AF_INET, bytes_.data() + 12, buffer, sizeof buffer);
  return ::inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
}

SocketAddress SocketAddress::from(const sockaddr_storage& storage) {
  SocketAddress address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, 4);
    address.ip = IpAddress::v4(bytes);
    address.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &storage, sizeof in6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in6.sin6_addr, 16);
    address.ip = IpAddress::v6(bytes);
    address.port = ntohs(in6.sin6_port);
  }
  return address;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return fail(ErrorCode::InvalidArgument, std::string(why) + " in \"" + std::string(text) + "\", expected ADDR:PORT");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 address without brackets");
  }
  SocketAddress address;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return wrong("no port number from 0 to 65535");
  auto ip = IpAddress::parse(host);
  if (!ip) return fail(std::move(ip).error());
  address.ip = *ip;
  return address;
}

socklen_t SocketAddress::to(sockaddr_storage& storage, bool asV6) const {
  std::memset(&storage, 0, sizeof storage);
  if (ip.isV4() && !asV6) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.bytes().data() + 12, 4);
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in6.sin6_addr, ip.bytes().data(), 16);
  std::memcpy(&storage, &in6, sizeof in6);
  return sizeof in6;
}

std::string SocketAddress::text() const {
  return ip.isV4() ? ip.text() + ":" + std::to_string(port) : "[" + ip.text() + "]:" + std::to_string(port);
}

}  // namespace loam
