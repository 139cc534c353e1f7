#include "proxy/server/idle_server.h"

#include <sys/socket.h>

#include <cerrno>

namespace loam::server {

void DialledServer::join(LiveConnection& live) {
  live_ = &live;
  before_ = live.secured();
  live.securedBy(upstream_.stream.get());
}

void DialledServer::leave() {
  if (live_ != nullptr) live_->securedBy(before_);
  live_ = nullptr;
}

bool DialledServer::isQuiet() const {
  char byte = 0;
  const auto count = ::recv(leg().socket().fd(), &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace loam::server
