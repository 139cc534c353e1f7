#include "proxy/relay/relay.h"

#include <utility>

#include "tests/proxy/relay/relay_fixture.h"

namespace loam::relay {
namespace {

class RelayTest : public RelayFixture {
 protected:
  std::vector<std::uint8_t> atServer, atClient;
  std::optional<Error> serverError, clientError;
  bool serverOver = false, clientOver = false;

  void exchange(const std::vector<std::uint8_t>& request, const std::vector<std::uint8_t>& response) {
    start();
    scope.spawn(send(*client, request, true));
    scope.spawn(send(*server, response, true));
    scope.spawn(receive(*server, atServer, serverError, serverOver));
    scope.spawn(receive(*client, atClient, clientError, clientOver));
    turnUntil([&] { return serverOver && clientOver && reason.has_value(); });
    EXPECT_EQ(*reason, CloseReason::Finished);
    EXPECT_FALSE(serverError || clientError);
    EXPECT_EQ(progress.upstreamBytes, request.size());
    EXPECT_EQ(progress.downstreamBytes, response.size());
    EXPECT_TRUE(atServer == request);
    EXPECT_TRUE(atClient == response);
  }
};

TEST_F(RelayTest, CarriesBothDirectionsByteForByteAndShowsThemToTheTap) {
  const auto request = noise(3'000'000, 1);
  const auto response = noise(5'000'000, 2);
  exchange(request, response);
  EXPECT_TRUE(tap.seen[0] == request);
  EXPECT_TRUE(tap.seen[1] == response);
  EXPECT_TRUE(tap.ended[0] && tap.ended[1]);
}

TEST_F(RelayTest, OpaqueBulkGoesBySpliceAndIsStillCounted) {
  tap.skip = Tap::kOpaque;
  const auto request = noise(20'000'000, 3);
  exchange(request, noise(10, 4));
  EXPECT_EQ(tap.seen[0].size() + tap.skipped[0], request.size());
  EXPECT_GT(tap.largestSkip, sizeof Resources::scratch);  // only a splice moves more than a scratch at once
}

TEST_F(RelayTest, TheTapSeesExactlyWhatItDidNotSkip) {
  tap.skip = 100'000;
  const auto request = noise(4'000'000, 5);
  exchange(request, noise(100, 6));
  EXPECT_EQ(tap.seen[0].size() + tap.skipped[0], request.size());
  EXPECT_LT(tap.seen[0].size(), request.size());
}

TEST_F(RelayTest, AHalfCloseIsAHalfClose) {
  start();
  scope.spawn(send(*client, {'b', 'y', 'e'}, true));
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  turnUntil([&] { return serverOver; });
  EXPECT_EQ(atServer, (std::vector<std::uint8_t>{'b', 'y', 'e'}));
  EXPECT_FALSE(reason.has_value());
  scope.spawn(send(*server, noise(1'000'000, 7), true));
  scope.spawn(receive(*client, atClient, clientError, clientOver));
  turnUntil([&] { return clientOver && reason.has_value(); });
  EXPECT_TRUE(atClient == noise(1'000'000, 7));
  EXPECT_EQ(*reason, CloseReason::Finished);
}

TEST_F(RelayTest, AReaderThatStopsHoldsBackItsSenderWithinABound) {
  start();
  bool sent = false;
  const auto bytes = noise(64'000'000, 8);
  scope.spawn([](io::Socket& socket, const std::vector<std::uint8_t>& all, bool& done) -> io::Task<void> {
    co_await io::writeAll(socket, all);
    done = true;
  }(*client, bytes, sent));
  // Filled is where nothing has moved for a while: 100 turns of up to a millisecond.
  int still = 0;
  for (std::uint64_t held = 0; still < 100 && !sent; ++still) {
    loop->turn(milliseconds(1));
    if (std::exchange(held, progress.upstreamBytes) != progress.upstreamBytes) still = 0;
  }
  EXPECT_FALSE(sent);
  EXPECT_LT(progress.upstreamBytes, 40'000'000u);  // what two kernels' socket buffers hold, and one scratch
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  turnUntil([&] { return atServer.size() == bytes.size(); });
  EXPECT_TRUE(sent);
  EXPECT_TRUE(atServer == bytes);
}

TEST_F(RelayTest, ManySmallMessagesKeepTheirBytesInOrder) {
  start();
  scope.spawn([](io::Socket& socket) -> io::Task<void> {
    for (int i = 0; i < 20000; ++i) {
      const auto byte = static_cast<std::uint8_t>(i);
      co_await io::writeAll(socket, {&byte, 1});
      if (i % 64 == 0) co_await socket.loop().yield();
    }
    ::shutdown(socket.fd(), SHUT_WR);
  }(*client));
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  turnUntil([&] { return serverOver; });
  ASSERT_EQ(atServer.size(), 20000u);
  for (std::size_t i = 0; i < atServer.size(); ++i) ASSERT_EQ(atServer[i], static_cast<std::uint8_t>(i));
}

}  // namespace
}  // namespace loam::relay
