#include "proxy/io/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace loam::io {

namespace {

Status bindSource(int fd, const DialOptions& options) {
  const bool v4 = options.destination.ip.isV4();
  const int on = 1;
  if (options.transparent) {
    const int set = v4 ? ::setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof on)
                       : ::setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof on);
    if (set != 0) return fail(systemError(errno, "keeping the client's address (IP_TRANSPARENT)"));
  }
  // The kernel then picks the port at connect, when it knows the destination: no shortage over all destinations.
  ::setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_storage storage{};
  const socklen_t length = SocketAddress{*options.source, 0}.to(storage);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    return fail(systemError(errno, "binding the client's address " + options.source->text()));
  }
  return {};
}

Task<Status> awaitConnected(Socket& socket, Monotonic deadline) {
  const bool ready = co_await socket.until(Ready::Write, deadline);
  if (!ready) co_return fail(ErrorCode::Timeout, "connecting", ErrorOrigin::Upstream);
  if (const int error = socket.takeError(); error != 0) {
    co_return fail(systemError(error, "connecting", ErrorOrigin::Upstream));
  }
  co_return Status();
}

bool isPeersDoing(int error) {
  return error == ECONNREFUSED || error == ECONNRESET || error == ETIMEDOUT || error == EHOSTUNREACH;
}

}  // namespace

void tuneTcp(int fd, bool local) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (local) ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

Task<Result<std::unique_ptr<Socket>>> dial(EventLoop& loop, DialOptions options, Monotonic deadline) {
  sockaddr_storage storage{};
  const socklen_t length = options.destination.to(storage);
  Descriptor fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return fail(systemError(errno, "opening a socket"));
  if (options.mark != 0 && ::setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &options.mark, sizeof options.mark) != 0) {
    co_return fail(systemError(errno, "marking a socket (SO_MARK)"));
  }
  tuneTcp(fd.get(), options.local);
  if (options.source) LOAM_CO_TRY(bindSource(fd.get(), options));
  const int connected = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length);
  const int error = connected == 0 ? 0 : errno;
  if (error != 0 && error != EINPROGRESS) {
    co_return fail(systemError(error, "connecting to " + options.destination.text(),
                               isPeersDoing(error) ? ErrorOrigin::Upstream : ErrorOrigin::Local));
  }
  auto socket = Socket::adopt(loop, std::move(fd));
  if (!socket) co_return fail(std::move(socket).error());
  if (error == EINPROGRESS) {
    auto status = co_await awaitConnected(**socket, deadline);
    if (!status) co_return fail(std::move(status).error());
  }
  co_return std::move(socket);
}

Task<Result<std::unique_ptr<Socket>>> dialUnix(EventLoop& loop, std::string path, Monotonic deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    co_return fail(ErrorCode::InvalidArgument, "socket path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return fail(systemError(errno, "opening a socket"));
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EAGAIN) co_return fail(systemError(errno, "connecting to " + path));
    if (loop.now() >= deadline) co_return fail(ErrorCode::Timeout, "connecting to " + path);
    co_await loop.sleepFor(milliseconds(20));  // its queue is full
  }
  co_return Socket::adopt(loop, std::move(fd));
}

}  // namespace loam::io
