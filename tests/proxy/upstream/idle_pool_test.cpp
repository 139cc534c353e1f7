#include "proxy/upstream/idle_pool.h"

#include <gtest/gtest.h>

#include "proxy/io/socket.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tcp_pair.h"

namespace loam::upstream {
namespace {

struct FakeConnection {
  FakeConnection(int itsName, Monotonic made, int& count) : name(itsName), since_(made), alive(count) { ++alive; }
  ~FakeConnection() { --alive; }
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;
  bool isQuiet() const { return quiet; }
  Monotonic since() const { return since_; }

  int name;
  Monotonic since_;
  int& alive;
  bool quiet = true;
};

class IdlePoolTest : public testing::Test {
 protected:
  FakeConnection* give(int name, const PoolKey& to) {
    auto connection = std::make_unique<FakeConnection>(name, clock.now(), alive);
    FakeConnection* const raw = connection.get();
    pool.give(to, std::move(connection), terms, clock.now());
    return raw;
  }
  FakeConnection* give(int name) { return give(name, key); }
  /// 0: none.
  int take(const PoolKey& from) {
    const auto connection = pool.take(from, clock.now());
    return connection ? connection->name : 0;
  }
  int take() { return take(key); }

  test::FakeClock clock;
  PoolTerms terms{.mostIdle = 3};
  const PoolKey key{.endpoint = *SocketAddress::parse("10.0.0.1:80")};
  int alive = 0;
  IdlePool<FakeConnection> pool;
};

TEST_F(IdlePoolTest, TheOneThatWaitedLeastGoesFirst) {
  for (int name = 1; name <= 3; ++name) give(name);
  EXPECT_EQ(take(), 3);
  EXPECT_EQ(take(), 2);
  give(4);
  EXPECT_EQ(take(), 4);
  EXPECT_EQ(take(), 1);
  EXPECT_EQ(take(), 0);
  EXPECT_EQ(alive, 0);
}

TEST_F(IdlePoolTest, OnlyForWhomEverythingIsTheSame) {
  give(1);
  PoolKey other = key;
  other.endpoint.port = 81;
  EXPECT_EQ(take(other), 0);
  other = key;
  other.source = *IpAddress::parse("10.9.9.9");
  EXPECT_EQ(take(other), 0);
  other = key;
  other.security = "spiffe://loam/proxy/b";
  EXPECT_EQ(take(other), 0);
  give(2, other);
  EXPECT_EQ(take(other), 2);
  EXPECT_EQ(take(), 1);
}

TEST_F(IdlePoolTest, OneTooManyPushesOutWhoWaitedLongest) {
  for (int name = 1; name <= 4; ++name) give(name);
  EXPECT_EQ(alive, 3);
  EXPECT_EQ(pool.size(), 3u);
  EXPECT_EQ(take() + take() + take(), 4 + 3 + 2);
  terms.mostIdle = 0;
  give(5);
  EXPECT_EQ(take(), 0);
}

TEST_F(IdlePoolTest, IdleTimeAndWholeLifeEndThem) {
  terms = {.mostIdle = 3, .idle = seconds(3), .life = seconds(5)};
  give(1);
  clock.advance(seconds(2));
  auto again = pool.take(key, clock.now());
  ASSERT_TRUE(again);
  pool.give(key, std::move(again), terms, clock.now());
  clock.advance(milliseconds(2999));
  EXPECT_EQ(take(), 1);
  give(2);
  clock.advance(seconds(3));
  EXPECT_EQ(take(), 0) << "idle for too long";
  auto old = std::make_unique<FakeConnection>(3, clock.now() - seconds(4), alive);
  pool.give(key, std::move(old), terms, clock.now());
  clock.advance(seconds(1));
  EXPECT_EQ(take(), 0) << "too old, though not idle for long";
  EXPECT_EQ(alive, 0);
}

TEST_F(IdlePoolTest, WhatIsNotQuietIsNotGivenOut) {
  give(1);
  give(2)->quiet = false;
  give(3)->quiet = false;
  EXPECT_EQ(take(), 1) << "two had ended meanwhile";
  auto loud = std::make_unique<FakeConnection>(4, clock.now(), alive);
  loud->quiet = false;
  pool.give(key, std::move(loud), terms, clock.now());
  EXPECT_EQ(take(), 0);
  EXPECT_EQ(alive, 0);
}

TEST_F(IdlePoolTest, ASweepClosesWhatIsOfNoUse) {
  give(1);
  clock.advance(seconds(2));
  give(2);
  give(3)->quiet = false;
  clock.advance(seconds(1));
  pool.sweep(clock.now());
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(take(), 2);
  pool.sweep(clock.now());
  EXPECT_EQ(pool.size(), 0u);
}

TEST_F(IdlePoolTest, OfAllKeysTogetherThereIsABound) {
  for (std::size_t i = 0; i < IdlePool<FakeConnection>::kMost; ++i) {
    give(static_cast<int>(i) + 1, {.endpoint = {key.endpoint.ip, static_cast<std::uint16_t>(i)}});
    clock.advance(microseconds(1));
  }
  give(9999, {.endpoint = {key.endpoint.ip, 60'000}});
  EXPECT_EQ(pool.size(), IdlePool<FakeConnection>::kMost);
  EXPECT_EQ(take({.endpoint = {key.endpoint.ip, 0}}), 0) << "who waited longest of all";
  EXPECT_EQ(take({.endpoint = {key.endpoint.ip, 1}}), 2);
  EXPECT_EQ(take({.endpoint = {key.endpoint.ip, 60'000}}), 9999);
}

TEST_F(IdlePoolTest, TheyAreClosedWithThePool) {
  {
    IdlePool<FakeConnection> brief;
    brief.give(key, std::make_unique<FakeConnection>(1, clock.now(), alive), terms, clock.now());
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  give(2);
  pool.clear();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(pool.size(), 0u);
}

/// As one of a real socket may ask.
struct SocketConnection {
  std::unique_ptr<io::Socket> socket;
  Monotonic made;

  bool isQuiet() const {
    char byte = 0;
    return ::recv(socket->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }
  Monotonic since() const { return made; }
};

TEST_F(IdlePoolTest, EndsAndBytesOfRealServersAreNoticed) {
  const auto loop = *io::EventLoop::make(clock);
  IdlePool<SocketConnection> sockets;
  const auto keep = [&](std::unique_ptr<io::Socket> socket) {
    auto one = std::make_unique<SocketConnection>(SocketConnection{std::move(socket), clock.now()});
    sockets.give(key, std::move(one), terms, clock.now());
  };
  auto [quiet, quietServer] = test::tcpPair(*loop);
  auto [loud, loudServer] = test::tcpPair(*loop);
  auto [ended, endedServer] = test::tcpPair(*loop);
  const int quietFd = quiet->fd();
  keep(std::move(quiet));
  keep(std::move(loud));
  keep(std::move(ended));
  ASSERT_EQ(::send(loudServer->fd(), "HTTP/1.1 408 ", 13, MSG_NOSIGNAL), 13);
  endedServer.reset();
  const auto got = sockets.take(key, clock.now());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->socket->fd(), quietFd);
  EXPECT_EQ(sockets.size(), 0u);
}

}  // namespace
}  // namespace loam::upstream
