#include "proxy/relay/reset.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace loam::relay {

void closeByReset(const io::Socket& socket) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

io::Task<void> closeByResetAfterDelivery(io::Socket& socket) {
  milliseconds nap{1};
  int least = 0;
  Monotonic progress = socket.loop().now();
  for (int queued = 0; ::ioctl(socket.fd(), SIOCOUTQ, &queued) == 0 && queued > 0;) {
    const Monotonic now = socket.loop().now();
    if (least == 0 || queued < least) {
      least = queued;
      progress = now;
    }
    if (now - progress > kPatience) break;
    co_await socket.loop().sleepFor(nap);
    nap = std::min(nap * 2, milliseconds(64));
  }
  closeByReset(socket);
}

void cut(io::Socket& socket) {
  // To dissolve the association of a connected TCP socket resets it, and is reported as an error on it.
  const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
  static_cast<void>(::connect(socket.fd(), &nowhere, sizeof nowhere));
}

}  // namespace loam::relay
