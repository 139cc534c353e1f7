#include "proxy/http/http1_server.h"

#include <sys/socket.h>

#include <string_view>

#include "proxy/io/dial.h"

namespace loam::http {

namespace {

std::optional<Peer::Process> processBehind(int fd) {
  ucred found{};
  socklen_t length = sizeof found;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &length) != 0) return std::nullopt;
  return Peer::Process{found.uid, found.gid, found.pid};
}

/// Best effort: a fresh socket has room for it.
void sayBusy(int fd) {
  constexpr std::string_view kBusy =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
  [[maybe_unused]] const auto sent = ::send(fd, kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Http1Server::Http1Server(io::EventLoop& loop, std::unique_ptr<io::Listener> listener, Handler handler,
                         Http1Limits limits, Security security)
    : loop_(loop),
      listener_(std::move(listener)),
      handler_(std::move(handler)),
      limits_(std::move(limits)),
      security_(std::move(security)) {
  accepting_.spawn(accept());
}

Http1Server::~Http1Server() {
  accepting_.cancelAll();
  serving_.cancelAll();
}

io::Task<void> Http1Server::accept() {
  constexpr unsigned kInOneTurn = 32;
  for (unsigned accepted = 1;; ++accepted) {
    auto client = co_await listener_->accept();
    if (!client) co_return;
    admit(*std::move(client));
    if (accepted % kInOneTurn == 0) co_await loop_.yield();
  }
}

void Http1Server::admit(io::Accepted accepted) {
  ++counters_.connections;
  if (connections_.size() - cut_ >= limits_.connections && !evictOne()) {
    if (!security_.wrap) sayBusy(accepted.fd.get());
    ++counters_.evicted;
    return;
  }
  Peer peer;
  peer.address = accepted.peer;
  const bool tcp = accepted.peer.port != 0;
  if (!tcp) peer.process = processBehind(accepted.fd.get());
  auto socket = io::Socket::adopt(loop_, std::move(accepted.fd));
  if (!socket) return;
  if (tcp) io::tuneTcp((*socket)->fd(), accepted.peer.ip.isLoopback());
  connections_.emplace_back(*std::move(socket), std::move(peer),
                            Http1Connection::Shared{handler_, limits_, security_, counters_, draining_});
  serving_.spawn(serve(std::prev(connections_.end())));
}

bool Http1Server::evictOne() {
  Http1Connection* victim = nullptr;
  for (Http1Connection& connection : connections_) {
    if (connection.isCut() || connection.phase() == Http1Connection::Phase::Handling) continue;
    if (victim == nullptr || connection.phase() < victim->phase() ||
        (connection.phase() == victim->phase() && connection.since() < victim->since())) {
      victim = &connection;
    }
  }
  if (victim == nullptr) return false;
  victim->cut();
  ++cut_;
  ++counters_.evicted;
  return true;
}

std::size_t Http1Server::cutPeers(const std::function<bool(const Peer&)>& which) {
  std::size_t count = 0;
  for (Http1Connection& connection : connections_) {
    if (connection.isCut() || !which(connection.peer())) continue;
    connection.cut();
    ++count;
  }
  cut_ += count;
  return count;
}

io::Task<void> Http1Server::serve(Connections::iterator connection) {
  co_await connection->serve();
  if (connection->isCut()) --cut_;
  connections_.erase(connection);
}

io::Task<void> Http1Server::drain(Monotonic deadline) {
  draining_ = true;
  accepting_.cancelAll();
  listener_.reset();
  for (Http1Connection& connection : connections_) {
    if (connection.isIdle() && !connection.isCut()) {
      connection.cut();
      ++cut_;
    }
  }
  while (!connections_.empty() && loop_.now() < deadline) co_await loop_.sleepFor(io::TimerWheel::kTick);
  serving_.cancelAll();
  connections_.clear();
}

}  // namespace loam::http
