#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/guard/protocol.h"
#include "proxy/guard/unix_socket.h"

namespace loam::test {

/// A guard that captures nothing: speaks loam-guard's protocol to any number of clients, needs no privilege, and
/// remembers what it was asked. On a thread of its own.
class FakeGuard {
 public:
  explicit FakeGuard(std::string path) : path_(std::move(path)) {
    listener_ = *guard::unix_socket::listen(path_, ::getegid());
    thread_ = std::thread([this] {
      while (!ending_) turn();
    });
  }
  ~FakeGuard() {
    ending_ = true;
    thread_.join();
    ::unlink(path_.c_str());
  }
  FakeGuard(const FakeGuard&) = delete;
  FakeGuard& operator=(const FakeGuard&) = delete;

  /// "attach", "engage", "release", "bypass 10.0.0.1:80", "closed 10.0.0.1:80", "facts", in order.
  std::vector<std::string> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  std::size_t count(const std::string& what) const {
    const auto all = heard();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), what));
  }
  /// A client has engaged, and neither released nor hung up.
  bool captures() const { return captures_; }
  /// As when another proxy is attached.
  void refuseToAttach(bool refuse) { refuses_ = refuse; }
  void refuseToClose(bool refuse) { refusesToClose_ = refuse; }

 private:
  void turn() {
    std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}};
    for (const auto& [fd, session] : sessions_) polled.push_back({fd, POLLIN, 0});
    constexpr int kPatience = 10;  // until it looks whether it is to end
    if (::poll(polled.data(), polled.size(), kPatience) <= 0) return;
    for (std::size_t i = 1; i < polled.size(); ++i) {
      if (polled[i].revents != 0) serve(polled[i].fd);
    }
    if (polled[0].revents == 0) return;
    Descriptor session(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const int fd = session.get();
    if (session) sessions_.emplace(fd, std::move(session));
  }

  void serve(int fd) {
    std::vector<Descriptor> came;
    const auto packet = guard::unix_socket::receive(fd, came);
    if (!packet) {
      if (fd == engaged_) leave();
      sessions_.erase(fd);
      return;
    }
    const auto request = guard::protocol::decodeRequest(*packet);
    ASSERT_TRUE(request) << request.error().context;
    std::vector<int> descriptors;
    const auto body = carryOut(fd, *request, descriptors);
    for (const std::string& part : body ? guard::protocol::answer(*body) : guard::protocol::answer(body.error())) {
      EXPECT_TRUE(guard::unix_socket::send(fd, part, std::exchange(descriptors, {})));
    }
  }

  Result<std::string> carryOut(int fd, const guard::protocol::Request& request, std::vector<int>& descriptors) {
    namespace protocol = guard::protocol;
    if (const auto* asked = std::get_if<protocol::Attach>(&request)) return attach(asked->workers, descriptors);
    if (std::holds_alternative<protocol::Engage>(request)) {
      note("engage");
      engaged_ = fd;
      captures_ = true;
    } else if (std::holds_alternative<protocol::Release>(request)) {
      note("release");
      if (fd == engaged_) leave();
      return protocol::encode(guard::Departure{});
    } else if (const auto* asked = std::get_if<protocol::Bypass>(&request)) {
      note("bypass " + asked->destination.text());
    } else if (const auto* closing = std::get_if<protocol::KeepClosed>(&request)) {
      std::string what = "closed";
      for (const guard::ClosedWay& way : closing->ways) what.append(" ").append(way.text());
      note(what);
      if (refusesToClose_) return fail(ErrorCode::Io, "the disk is full");
      return protocol::encodeHolds(true);
    } else if (std::holds_alternative<protocol::Facts>(request)) {
      note("facts");
      return protocol::encode(guard::HostFacts{});
    }
    return std::string();
  }

  Result<std::string> attach(std::uint16_t workers, std::vector<int>& descriptors) {
    note("attach");
    if (refuses_) return fail(ErrorCode::Conflict, "loam-proxy 1 is attached to this guard");
    while (listeners_.size() < 2u * workers) listeners_.push_back(listen());
    for (const Descriptor& listener : listeners_) descriptors.push_back(listener.get());
    return guard::protocol::encode(guard::protocol::Attached{workers, workers, {}});
  }

  static Descriptor listen() {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 16), 0);
    return socket;
  }

  void leave() {
    engaged_ = -1;
    captures_ = false;
  }
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    heard_.push_back(std::move(what));
  }

  const std::string path_;
  Descriptor listener_;
  std::map<int, Descriptor> sessions_;
  std::vector<Descriptor> listeners_;
  int engaged_ = -1;
  std::atomic<bool> captures_{false};
  std::atomic<bool> refuses_{false};
  std::atomic<bool> refusesToClose_{false};
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> heard_;
  std::thread thread_;
};

}  // namespace loam::test
