#include "proxy/relay/relay.h"
#include "proxy/relay/reset.h"
#include "tests/proxy/relay/relay_fixture.h"

namespace loam::relay {
namespace {

class RelayResetTest : public RelayFixture {
 protected:
  static void reset(std::unique_ptr<io::Socket>& socket) {
    closeByReset(*socket);
    socket.reset();
  }
  std::vector<std::uint8_t> received;
  std::optional<Error> error;
  bool over = false;
};

TEST_F(RelayResetTest, AClientsResetReachesTheServerBehindItsData) {
  start();
  const auto bytes = noise(300'000, 1);
  scope.spawn(send(*client, bytes, false));
  turnUntil([&] { return progress.upstreamBytes == bytes.size(); });
  reset(client);
  scope.spawn(receive(*server, received, error, over));
  turnUntil([&] { return over && reason.has_value(); });
  EXPECT_EQ(*reason, CloseReason::DownstreamReset);
  EXPECT_TRUE(received == bytes);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::Reset);
}

TEST_F(RelayResetTest, AServersResetReachesTheClientBehindItsData) {
  start();
  const auto bytes = noise(300'000, 2);
  scope.spawn(send(*server, bytes, false));
  turnUntil([&] { return progress.downstreamBytes == bytes.size(); });
  reset(server);
  scope.spawn(receive(*client, received, error, over));
  turnUntil([&] { return over && reason.has_value(); });
  EXPECT_EQ(*reason, CloseReason::UpstreamReset);
  EXPECT_TRUE(received == bytes);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::Reset);
}

TEST_F(RelayResetTest, AServerThatAnswersAndCutsIsHeardOut) {
  // The request's rest can no longer be written, but the answer that came before the reset still arrives.
  start();
  scope.spawn(send(*client, noise(100, 3), false));
  turnUntil([&] { return progress.upstreamBytes == 100; });
  const auto answer = noise(50'000, 4);
  scope.spawn(send(*server, answer, false));
  for (int i = 0; i < 3; ++i) loop->turn(milliseconds(1));
  server.reset();  // unread request bytes make this a reset
  scope.spawn(send(*client, noise(100, 5), false));
  scope.spawn(receive(*client, received, error, over));
  turnUntil([&] { return over && reason.has_value(); });
  EXPECT_TRUE(received == answer);
}

TEST_F(RelayResetTest, AResetDoesNotWaitForeverForAReaderThatNeverReads) {
  start();
  io::TaskScope sender;
  sender.spawn(send(*client, noise(60'000'000, 6), false));
  for (int i = 0; i < 200; ++i) loop->turn(milliseconds(1));
  sender.cancelAll();
  reset(client);
  turnUntil([&] { return reason.has_value(); });  // within kPatience of the last byte that the server took
  EXPECT_EQ(*reason, CloseReason::DownstreamReset);
}

TEST_F(RelayResetTest, AfterAHalfCloseAResetIsStillPassedOn) {
  start();
  scope.spawn(send(*client, {'x'}, true));
  scope.spawn(receive(*server, received, error, over));
  turnUntil([&] { return over; });
  EXPECT_FALSE(error.has_value());
  std::vector<std::uint8_t> atClient;
  std::optional<Error> clientError;
  bool clientOver = false;
  scope.spawn(receive(*client, atClient, clientError, clientOver));
  loop->turn(milliseconds(1));
  scope.spawn(send(*server, noise(10, 8), false));
  turnUntil([&] { return atClient.size() == 10; });
  reset(server);
  turnUntil([&] { return clientOver && reason.has_value(); });
  ASSERT_TRUE(clientError.has_value());
  EXPECT_EQ(clientError->code, ErrorCode::Reset);
}

}  // namespace
}  // namespace loam::relay
