#include "tests/bench/load_server.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "tests/bench/loopback.h"

namespace loam::bench {

namespace {

enum class Kind : std::uint8_t { Http, Echo, Greet, Bulk };

/// A listening socket, or one connection of it.
struct Peer {
  int fd = -1;
  Kind kind = Kind::Echo;
  bool listens = false;
  bool closes = false;  // after what is being answered
  std::string head;     // bytes of a head that is not whole yet
  std::uint64_t toSend = 0;
  std::uint64_t toReceive = 0;
};

class Server {
 public:
  explicit Server(const ServerPorts& ports) : address_(ports.address), poller_(::epoll_create1(EPOLL_CLOEXEC)) {
    listen(ports.http, Kind::Http);
    listen(ports.echo, Kind::Echo);
    listen(ports.greet, Kind::Greet);
    listen(ports.bulk, Kind::Bulk);
  }

  [[noreturn]] void run() {
    for (;;) {
      std::array<epoll_event, 256> events;
      const int count = ::epoll_wait(poller_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        auto* peer = static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (peer->listens) {
          accept(*peer);
        } else if (!advance(*peer)) {
          ::close(peer->fd);
          delete peer;
        }
      }
    }
  }

 private:
  void watch(Peer* peer, int operation, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = peer}};
    ::epoll_ctl(poller_, operation, peer->fd, &event);
  }

  void listen(std::uint16_t port, Kind kind) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = addressOf(address_, port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 4096) != 0)
      giveUp("meshload: listening");
    watch(new Peer{.fd = fd, .kind = kind, .listens = true, .head = {}}, EPOLL_CTL_ADD, EPOLLIN);
  }

  void accept(const Peer& listener) {
    for (int i = 0; i < 64; ++i) {
      const int fd = ::accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (listener.kind == Kind::Greet) ::send(fd, kGreeting, sizeof kGreeting - 1, MSG_NOSIGNAL);
      watch(new Peer{.fd = fd, .kind = listener.kind, .head = {}}, EPOLL_CTL_ADD, EPOLLIN);
    }
  }

  /// False: the connection is over.
  bool advance(Peer& peer) {
    if (peer.kind == Kind::Bulk && peer.toSend != 0 && !sendBulk(peer)) return false;
    const ssize_t count = ::recv(peer.fd, buffer_.data(), buffer_.size(), 0);
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) return false;
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
    switch (peer.kind) {
      case Kind::Http:
        return answer(peer, bytes);
      case Kind::Bulk:
        return takeBulk(peer, bytes);
      case Kind::Echo:
      case Kind::Greet:
        return ::send(peer.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == count;
    }
    return false;
  }

  bool answer(Peer& peer, std::string_view bytes) {
    if (!peer.head.empty()) bytes = peer.head.append(bytes);
    std::size_t from = 0;
    for (std::size_t end; (end = bytes.find("\r\n\r\n", from)) != bytes.npos; from = end + 4) {
      peer.closes = bytes.substr(from, end - from).find("Connection: close") != bytes.npos;
      const auto sent = ::send(peer.fd, reply_.data(), reply_.size(), MSG_NOSIGNAL);
      if (sent != static_cast<ssize_t>(reply_.size()) || peer.closes) return false;
    }
    peer.head = std::string(bytes.substr(from));
    return true;
  }

  bool takeBulk(Peer& peer, std::string_view bytes) {
    if (peer.head.size() < kBulkHead) {
      const std::size_t missing = std::min(kBulkHead - peer.head.size(), bytes.size());
      peer.head.append(bytes.substr(0, missing));
      bytes.remove_prefix(missing);
      if (peer.head.size() < kBulkHead) return true;
      std::memcpy(&peer.toSend, peer.head.data() + sizeof kBulkMark, sizeof peer.toSend);
      peer.toReceive = peer.toSend;
      watch(&peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    peer.toReceive -= std::min<std::uint64_t>(peer.toReceive, bytes.size());
    return true;
  }

  bool sendBulk(Peer& peer) {
    const auto sent =
        ::send(peer.fd, payload_.data(), std::min<std::uint64_t>(peer.toSend, payload_.size()), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    peer.toSend -= static_cast<std::uint64_t>(sent);
    if (peer.toSend == 0) watch(&peer, EPOLL_CTL_MOD, EPOLLIN);
    return true;
  }

  const std::string address_;
  int poller_;
  std::vector<char> buffer_ = std::vector<char>(kBulkStep);
  const std::string payload_ = noise(kBulkStep);
  const std::string reply_ = httpReply();
};

}  // namespace

std::string httpReply() {
  return "HTTP/1.1 200 OK\r\nServer: meshload\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
         "Content-Length: 512\r\n\r\n" +
         std::string(512, 'x');
}

void serve(const ServerPorts& ports) { Server(ports).run(); }

}  // namespace loam::bench
