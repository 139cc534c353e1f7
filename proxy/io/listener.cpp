#include "proxy/io/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace loam::io {

namespace {

constexpr int kBacklog = 4096;

Descriptor openReserve() { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

Result<sockaddr_un> unixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::InvalidArgument, "socket path too long (at most 107 bytes): " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool isServed(const sockaddr_un& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::make(EventLoop& loop, Descriptor fd, bool shared) {
  auto socket = Socket::adopt(loop, std::move(fd), shared);
  if (!socket) return fail(std::move(socket).error());
  return std::unique_ptr<Listener>(new Listener(*std::move(socket), openReserve()));
}

Result<std::unique_ptr<Listener>> Listener::bind(EventLoop& loop, const SocketAddress& address, bool reusePort) {
  sockaddr_storage storage{};
  const socklen_t length = address.to(storage);
  Descriptor fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(systemError(errno, "opening a socket for " + address.text()));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reusePort) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return fail(systemError(errno, "listening on " + address.text()));
  }
  return make(loop, std::move(fd), false);
}

Result<std::unique_ptr<Listener>> Listener::bindUnix(EventLoop& loop, const std::string& path) {
  const auto address = unixAddress(path);
  if (!address) return fail(address.error());
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(systemError(errno, "opening a socket for " + path));
  if (isServed(*address)) return fail(ErrorCode::Conflict, "another program serves " + path);
  ::unlink(path.c_str());
  const mode_t mask = ::umask(0117);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int error = errno;
  ::umask(mask);
  if (bound != 0) return fail(systemError(error, "binding " + path));
  if (::listen(fd.get(), kBacklog) != 0) return fail(systemError(errno, "listening on " + path));
  return make(loop, std::move(fd), false);
}

Result<std::unique_ptr<Listener>> Listener::adopt(EventLoop& loop, Descriptor fd) {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  return make(loop, std::move(fd), true);
}

Task<Result<Accepted>> Listener::accept() {
  for (;;) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    Descriptor fd(
        ::accept4(socket_->fd(), reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) co_return Accepted{std::move(fd), SocketAddress::from(storage)};
    const int error = errno;
    if (error == EAGAIN) {
      socket_->clearRead();
      co_await socket_->until(Ready::Read);
    } else if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
      letOneGo();
      co_await socket_->loop().sleepFor(kPause);
    } else if (error == EBADF || error == EINVAL || error == ENOTSOCK) {
      co_return fail(systemError(error, "accepting"));
    }
    // Anything else is the end of one client (ECONNABORTED and the like): the next one is tried.
  }
}

void Listener::letOneGo() {
  ++exhausted_;
  reserve_.close();
  Descriptor client(::accept4(socket_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (client) {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client.close();
  }
  reserve_ = openReserve();
}

SocketAddress Listener::address() const {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(socket_->fd(), reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from(storage);
}

}  // namespace loam::io
