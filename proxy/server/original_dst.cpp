#include "proxy/server/original_dst.h"

#include <netinet/in.h>

#include <cerrno>

namespace loam::server {

namespace {
// SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST of the kernel's netfilter headers, which cannot stand beside netinet/in.h.
constexpr int kOriginalDst = 80;

/// Before the redirect. A dual-stack socket answers for IPv4 on the IPv4 level and fails for IPv6 there, and the
/// reverse.
Result<SocketAddress> asTracked(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockopt(fd, SOL_IP, kOriginalDst, &storage, &length) == 0) return SocketAddress::from(storage);
  length = sizeof storage;
  if (::getsockopt(fd, SOL_IPV6, kOriginalDst, &storage, &length) == 0) return SocketAddress::from(storage);
  return fail(systemError(errno, "no original destination: the connection was not redirected"));
}

}  // namespace

Result<SocketAddress> originalDestination(int fd) {
  auto destination = asTracked(fd);
  sockaddr_storage here{};
  socklen_t length = sizeof here;
  if (destination && ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &length) == 0 &&
      SocketAddress::from(here) == *destination) {
    // A connection that is tracked all the same: dialled, it would come back here for ever.
    return fail(ErrorCode::NotFound, "the connection was not redirected: it is to this very port");
  }
  return destination;
}

}  // namespace loam::server
