#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/descriptor.h"

namespace loam::test {

/// A blocking TCP server on loopback that sends `greeting` at once and then everything back; a thread per connection.
class EchoServer {
 public:
  explicit EchoServer(std::string greeting = "")
      : greeting_(std::move(greeting)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage{};
    socklen_t length = SocketAddress::parse("127.0.0.1:0")->to(storage);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    EXPECT_EQ(::listen(listener_.get(), 128), 0);
    length = sizeof storage;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &length), 0);
    address_ = SocketAddress::from(storage);
    threads_.emplace_back([this] { acceptAll(); });
  }
  ~EchoServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    for (std::size_t i = 0; i < threads_.size(); ++i) threads_[i].join();
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  const SocketAddress& address() const { return address_; }

 private:
  void acceptAll() {
    std::vector<std::thread> serving;
    for (int fd = 0; (fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      serving.emplace_back([this, fd] { serve(Descriptor(fd)); });
    }
    for (std::thread& thread : serving) thread.join();
  }
  void serve(Descriptor fd) const {
    if (!greeting_.empty()) ::send(fd.get(), greeting_.data(), greeting_.size(), MSG_NOSIGNAL);
    std::array<char, 16384> buffer{};
    for (ssize_t n = 0; (n = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      if (::send(fd.get(), buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) return;
    }
  }

  std::string greeting_;
  Descriptor listener_;
  SocketAddress address_;
  std::vector<std::thread> threads_;
};

}  // namespace loam::test
