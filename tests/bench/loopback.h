#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace loam::bench {

/// What a bulk stream begins with, followed by the count of bytes for each way; nothing that a decoder could know.
constexpr char kBulkMark[8] = {'\xf7', '\x9b', '\x81', '\xfe', '\x03', '\x99', '\xc4', '\xa2'};
constexpr std::size_t kBulkHead = sizeof(kBulkMark) + sizeof(std::uint64_t);
constexpr std::size_t kBulkStep = 256 * 1024;

[[noreturn]] inline void giveUp(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// Of IPv4, in dots.
inline sockaddr_in addressOf(const std::string& text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) giveUp(("meshload: " + text).c_str());
  return address;
}

/// A connected socket (whose calls pass MSG_DONTWAIT), or -1. On loopback and between namespaces the handshake ends
/// within the call.
inline int connectTo(const std::string& host, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const sockaddr_in address = addressOf(host, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// `size` bytes without a pattern.
inline std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (char& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state >> 32);
  }
  return bytes;
}

}  // namespace loam::bench
