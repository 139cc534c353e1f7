#pragma once

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

#include "proxy/base/address.h"
#include "proxy/io/socket.h"

namespace loam::test {

/// Two ends of one TCP connection over loopback, both on `loop`.
inline std::pair<std::unique_ptr<io::Socket>, std::unique_ptr<io::Socket>> tcpPair(io::EventLoop& loop) {
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t length = SocketAddress::parse("127.0.0.1:0")->to(storage);
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  length = sizeof storage;
  EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&storage), &length), 0);
  Descriptor near(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(near.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  Descriptor far(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  EXPECT_TRUE(far);
  Descriptor nonBlocking(std::move(near));
  const int on = 1;
  EXPECT_EQ(::ioctl(nonBlocking.get(), FIONBIO, &on), 0);
  return {*io::Socket::adopt(loop, std::move(nonBlocking)), *io::Socket::adopt(loop, std::move(far))};
}

}  // namespace loam::test
