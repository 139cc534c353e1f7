#include "proxy/tls/stream.h"

#include <cstdio>
#include <random>

#include "proxy/io/stream.h"
#include "tests/proxy/tls/tls_fixture.h"
#include "tests/support/heap.h"
#include "tests/support/tcp_pair.h"

namespace loam::tls {
namespace {

using test::RawPeer;

std::string randomBytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// Forwards at most `piece` bytes at a time, and the end of the stream.
io::Task<void> chop(io::Socket& from, io::Socket& to, std::size_t piece) {
  std::vector<std::uint8_t> bytes(piece);
  for (;;) {
    const auto count = co_await io::readSome(from, bytes);
    if (!count || *count == 0) break;
    const Status sent = co_await io::writeAll(to, std::span(bytes).first(*count));
    if (!sent) break;
  }
  ::shutdown(to.fd(), SHUT_WR);
}

class StreamTest : public TlsFixture {
 protected:
  struct Talk {
    std::string heard;
    Status read;
    Status written;
  };
  /// Both ends say all of theirs and end, at once; both hear all of the other's.
  void converse(Stream& one, const std::string& fromOne, Talk& atOne, Stream& other, const std::string& fromOther,
                Talk& atOther) {
    io::TaskScope scope;
    scope.spawn(writeFrom(one, fromOne, atOne.written, soon(), true));
    scope.spawn(writeFrom(other, fromOther, atOther.written, soon(), true));
    scope.spawn(readInto(one, atOne.heard, atOne.read, soon()));
    scope.spawn(readInto(other, atOther.heard, atOther.read, soon()));
    turnUntil([&] { return scope.size() == 0; });
    for (const Talk* talk : {&atOne, &atOther}) {
      EXPECT_TRUE(talk->read) << talk->read.error().describe();
      EXPECT_TRUE(talk->written) << talk->written.error().describe();
    }
  }
};

TEST_F(StreamTest, CarriesTenMegabytesBothWaysAtOnce) {
  auto [near, far] = loam::test::tcpPair(*loop);
  Both both;
  io::TaskScope scope;
  scope.spawn(acceptInto(serverContext(), std::move(near), soon(), both.server));
  scope.spawn(connectInto(clientContext(), std::move(far), kServerId, soon(), both.client));
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_TRUE(both.server && both.client);
  const std::string up = randomBytes(10'000'000, 1);
  const std::string down = randomBytes(10'000'000, 2);
  Talk atClient;
  Talk atServer;
  converse(**both.client, up, atClient, **both.server, down, atServer);
  EXPECT_TRUE(atServer.heard == up);
  EXPECT_TRUE(atClient.heard == down);
}

TEST_F(StreamTest, SurvivesBeingSplitAnywhere) {
  for (const std::size_t piece : {1u, 2u, 5u, 6u, 1000u}) {
    auto [serverEnd, left] = ends();
    auto [clientEnd, right] = ends();
    const auto one = *io::Socket::adopt(*loop, std::move(left));
    const auto other = *io::Socket::adopt(*loop, std::move(right));
    io::TaskScope choppers;
    choppers.spawn(chop(*one, *other, piece));
    choppers.spawn(chop(*other, *one, piece));
    Both both;
    io::TaskScope scope;
    scope.spawn(acceptInto(serverContext(), std::move(serverEnd), soon(), both.server));
    scope.spawn(connectInto(clientContext(), std::move(clientEnd), kServerId, soon(), both.client));
    turnUntil([&] { return scope.size() == 0; });
    ASSERT_TRUE(both.server) << piece << ": " << both.server.error().describe();
    ASSERT_TRUE(both.client) << piece << ": " << both.client.error().describe();
    const std::string up = randomBytes(40'000, 3);
    const std::string down = randomBytes(20'000, 4);
    Talk atClient;
    Talk atServer;
    converse(**both.client, up, atClient, **both.server, down, atServer);
    EXPECT_TRUE(atServer.heard == up) << piece;
    EXPECT_TRUE(atClient.heard == down) << piece;
  }
}

TEST_F(StreamTest, OneDirectionMayEndBeforeTheOther) {
  const Both both = shake(serverContext(), clientContext());
  ASSERT_TRUE(both.server && both.client);
  Talk atServer;
  Talk atClient;
  io::TaskScope scope;
  scope.spawn(writeFrom(**both.client, "question", atClient.written, soon(), true));
  scope.spawn(readInto(**both.server, atServer.heard, atServer.read, soon()));
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_EQ(atServer.heard, "question");
  scope.spawn(writeFrom(**both.server, "answer", atServer.written, soon(), true));
  scope.spawn(readInto(**both.client, atClient.heard, atClient.read, soon()));
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_EQ(atClient.heard, "answer");
  EXPECT_TRUE(atClient.read && atServer.read);
}

TEST_F(StreamTest, TheEndIsSaidWhenThereIsRoomForIt) {
  // As many writes as the kernel takes from a peer that does not read; the one more that waits is not counted.
  const auto fill = [&](Stream& stream, std::size_t most) {
    io::TaskScope scope;
    Status written;
    std::size_t count = 0;
    for (; count < most; ++count) {
      scope.spawn(writeFrom(stream, "x", written, soon()));
      if (scope.size() != 0) break;
    }
    return count;
  };
  const Both first = shake(serverContext(), clientContext());
  ASSERT_TRUE(first.server && first.client);
  const std::size_t room = fill(**first.client, 1'000'000);
  ASSERT_LT(room, 1'000'000u);
  // The same once more, but this side ends when all is full: close_notify finds no room.
  const Both both = shake(serverContext(), clientContext());
  ASSERT_TRUE(both.server && both.client);
  ASSERT_EQ(fill(**both.client, room), room);
  (*both.client)->endWriting();
  Talk atServer;
  io::TaskScope scope;
  scope.spawn(readInto(**both.server, atServer.heard, atServer.read, soon()));
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_EQ(atServer.heard.size(), room);
  EXPECT_TRUE(atServer.read) << atServer.read.error().describe();
}

TEST_F(StreamTest, APeerThatIsCutInsideARecordIsNoEnd) {
  auto [near, far] = ends();
  RawPeer peer(false, std::move(far), &client);
  Met met;
  meet(serverContext(), peer, std::move(near), met, [] { return true; });
  ASSERT_TRUE(met.opened) << met.opened.error().describe();
  io::TaskScope scope;
  scope.spawn(readInto(**met.opened, met.read, met.status, soon()));
  peer.toSend = std::string(1000, 'x');
  peer.piece = 500;
  peer.step();
  peer.drop();
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_EQ(met.read, "");
  ASSERT_FALSE(met.status);
  EXPECT_EQ(met.status.error().code, ErrorCode::Closed) << met.status.error().describe();
  // Nobody is there any more: no signal ends the program.
  Status written;
  scope.spawn(writeFrom(**met.opened, std::string(100'000, 'y'), written, soon()));
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_FALSE(written);
}

TEST_F(StreamTest, AForgedRecordIsAProtocolError) {
  auto [near, far] = ends();
  RawPeer peer(false, std::move(far), &client);
  Met met;
  meet(serverContext(), peer, std::move(near), met, [] { return true; });
  ASSERT_TRUE(met.opened);
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'z');
  ASSERT_GT(::send(peer.fd().get(), forged.data(), forged.size(), MSG_NOSIGNAL), 0);
  io::TaskScope scope;
  scope.spawn(readInto(**met.opened, met.read, met.status, soon()));
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_FALSE(met.status);
  EXPECT_EQ(met.status.error().code, ErrorCode::Protocol) << met.status.error().describe();
}

TEST_F(StreamTest, NewKeysMayComeWhileBothSidesWrite) {
  auto [near, far] = ends();
  RawPeer peer(false, std::move(far), &client);
  Met met;
  meet(serverContext(), peer, std::move(near), met, [] { return true; });
  ASSERT_TRUE(met.opened);
  const std::string down = randomBytes(2'000'000, 6);
  Status written;
  io::TaskScope scope;
  scope.spawn(writeFrom(**met.opened, down, written, soon()));
  scope.spawn(readInto(**met.opened, met.read, met.status, soon(), 40'000));
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    peer.toSend = std::string(2000, static_cast<char>('a' + round));
    for (int i = 0; i < 5; ++i) {
      peer.step();
      loop->turn(milliseconds(0));
    }
  }
  turnUntil([&] {
    peer.step();
    return scope.size() == 0 && peer.received.size() == down.size();
  });
  EXPECT_EQ(peer.failure, "");
  EXPECT_TRUE(met.status) << met.status.error().describe();
  EXPECT_TRUE(written) << written.error().describe();
  EXPECT_TRUE(peer.received == down);
  EXPECT_EQ(met.read.size(), 40'000u);
  EXPECT_EQ(met.read.back(), 'a' + 19);
}

TEST_F(StreamTest, ADeadlineEndsAReadAndAWrite) {
  const Both both = shake(serverContext(), clientContext());
  ASSERT_TRUE(both.server && both.client);
  Talk talk;
  io::TaskScope scope;
  scope.spawn(readInto(**both.server, talk.heard, talk.read, clock.now() + milliseconds(40)));
  scope.spawn(writeFrom(**both.server, randomBytes(5'000'000, 7), talk.written, clock.now() + milliseconds(40)));
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_FALSE(talk.read);
  EXPECT_EQ(talk.read.error().code, ErrorCode::Timeout);
  ASSERT_FALSE(talk.written);
  EXPECT_EQ(talk.written.error().code, ErrorCode::Timeout);
  // Half a record is out: nothing may follow it.
  scope.spawn(writeFrom(**both.server, "more", talk.written, soon()));
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_FALSE(talk.written);
  EXPECT_EQ(talk.written.error().code, ErrorCode::Closed);
}

TEST_F(StreamTest, DroppedTasksLeaveAStreamThatCanGo) {
  const Both both = shake(serverContext(), clientContext());
  ASSERT_TRUE(both.server && both.client);
  Talk talk;
  {
    io::TaskScope scope;
    scope.spawn(readInto(**both.server, talk.heard, talk.read, soon()));
    scope.spawn(writeFrom(**both.server, randomBytes(5'000'000, 8), talk.written, soon()));
    loop->turn(milliseconds(1));
    EXPECT_EQ(scope.size(), 2u);
  }
  (*both.server)->endWriting();
  io::TaskScope scope;
  scope.spawn(readInto(**both.server, talk.heard, talk.read, clock.now() + milliseconds(20)));
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_FALSE(talk.read);
}

TEST_F(StreamTest, CuttingWakesWhatWaits) {
  const Both both = shake(serverContext(), clientContext());
  ASSERT_TRUE(both.server && both.client);
  Talk talk;
  io::TaskScope scope;
  scope.spawn(readInto(**both.server, talk.heard, talk.read, soon()));
  loop->turn(milliseconds(0));
  EXPECT_EQ(scope.size(), 1u);
  (*both.server)->cut();
  turnUntil([&] { return scope.size() == 0; }, milliseconds(500));
  EXPECT_EQ(scope.size(), 0u);
}

TEST_F(StreamTest, LettingGoOfAStreamClosesItInGoodOrder) {
  Both both = shake(serverContext(), clientContext());
  ASSERT_TRUE(both.server && both.client);
  both.server->reset();
  Talk talk;
  io::TaskScope scope;
  scope.spawn(readInto(**both.client, talk.heard, talk.read, soon()));
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_TRUE(talk.read) << talk.read.error().describe();
}

TEST_F(StreamTest, AnIdleConnectionCostsLittle) {
  constexpr std::size_t kConnections = 50;
  const auto serving = serverContext();
  const auto calling = clientContext();
  std::vector<Both> held;
  held.push_back(shake(serving, calling));  // what the first one makes once for all
  held.reserve(kConnections + 1);
  const auto before = loam::test::heapInUse();
  for (std::size_t i = 0; i < kConnections; ++i) {
    held.push_back(shake(serving, calling));
    Talk atServer;
    Talk atClient;
    io::TaskScope scope;
    scope.spawn(writeFrom(**held.back().client, "hello", atClient.written, soon()));
    scope.spawn(readInto(**held.back().server, atServer.heard, atServer.read, soon(), 5));
    turnUntil([&] { return scope.size() == 0; });
  }
  const auto all = loam::test::heapInUse();
  for (Both& both : held) both.client->reset();
  const auto servers = loam::test::heapInUse();
  const std::size_t pair = (all - before) / kConnections;
  const std::size_t serverSide = (servers - before) / kConnections;
  std::printf("an idle TLS connection: %zu bytes at the server, %zu at the client\n", serverSide, pair - serverSide);
  EXPECT_LT(serverSide, 16u * 1024);  // most of it OpenSSL's own: nothing of the peer's certificates
}

}  // namespace
}  // namespace loam::tls
