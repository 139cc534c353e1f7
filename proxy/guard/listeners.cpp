#include "proxy/guard/listeners.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "proxy/base/address.h"

namespace loam::guard {

namespace {

constexpr int kBacklog = 4096;

/// For a listener tcpi_unacked is the length of its accept queue.
unsigned queued(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_unacked;
}

Result<Descriptor> listenOn(int family, std::uint16_t port) {
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail(systemError(errno, "opening a listener"));
  const int on = 1;
  const int off = 0;
  if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    return fail(systemError(errno, "SO_REUSEPORT on a listener"));
  }
  sockaddr_storage address{};
  const SocketAddress any{family == AF_INET ? IpAddress::v4({}) : IpAddress(), port};
  const socklen_t length = any.to(address, family == AF_INET6);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    const int cause = errno;
    if (cause == EADDRINUSE) {
      return fail(ErrorCode::Conflict,
                  "port " + std::to_string(port) + " is taken by another program: choose another listener port");
    }
    return fail(systemError(cause, "listening on port " + std::to_string(port)));
  }
  return socket;
}

/// Dual stack where the host has IPv6, else IPv4 alone.
Result<Descriptor> listenOn(std::uint16_t port) {
  auto dual = listenOn(AF_INET6, port);
  if (dual || (dual.error().code != ErrorCode::Unsupported && dual.error().code != ErrorCode::Unreachable)) return dual;
  return listenOn(AF_INET, port);
}

}  // namespace

Status ListenerGroup::resize(unsigned count) {
  while (sockets_.size() > count && queued(sockets_.back().get()) == 0) sockets_.pop_back();
  while (sockets_.size() < count) {
    auto socket = listenOn(port_);
    if (!socket) return fail(socket.error());
    sockets_.push_back(std::move(*socket));
  }
  return {};
}

std::vector<int> ListenerGroup::descriptors() const {
  std::vector<int> all;
  for (const Descriptor& socket : sockets_) all.push_back(socket.get());
  return all;
}

unsigned ListenerGroup::waiting() const {
  unsigned sum = 0;
  for (const Descriptor& socket : sockets_) sum += queued(socket.get());
  return sum;
}

unsigned ListenerGroup::resetWaiting() {
  unsigned count = 0;
  const linger reset{1, 0};
  for (const Descriptor& socket : sockets_) {
    while (const Descriptor waiting{::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC)}) {
      ::setsockopt(waiting.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ++count;
    }
  }
  return count;
}

}  // namespace loam::guard
