#include <gtest/gtest.h>

#include <utility>

#include "proxy/relay/relay.h"
#include "proxy/relay/reset.h"
#include "tests/proxy/relay/relay_fixture.h"
#include "tests/support/certificates.h"

namespace loam::relay {
namespace {

using loam::test::makeParty;
using loam::test::makeRoot;
using loam::test::Party;
using Opened = Result<std::unique_ptr<tls::Stream>>;

/// client <-> downstream [relay] TLS [relay] upstream <-> server: two proxies and what lies between, on one loop.
class RelayTlsTest : public RelayFixture {
 protected:
  void SetUp() override {
    RelayFixture::SetUp();
    auto [near, far] = loam::test::tcpPair(*loop);
    Opened opened = fail(ErrorCode::Io, "never ended"), accepted = fail(ErrorCode::Io, "never ended");
    io::TaskScope shaking;
    shaking.spawn(open(std::move(far), accepted));
    shaking.spawn(connect(std::move(near), opened));
    turnUntil([&] { return shaking.size() == 0; });
    ASSERT_TRUE(opened && accepted);
    caller = *std::move(opened);
    callee = *std::move(accepted);
  }
  void startBoth() {
    scope.spawn(runCaller());
    scope.spawn(runCallee());
  }
  bool bothOver() const { return callerReason && calleeReason; }

  const Party root = makeRoot();
  const Party party = makeParty({}, &root);
  std::unique_ptr<tls::Stream> caller, callee;
  RecordingTap calleeTap;
  Relayed calleeProgress;
  std::optional<CloseReason> callerReason, calleeReason;
  std::vector<std::uint8_t> atServer, atClient;
  std::optional<Error> serverError, clientError;
  bool serverOver = false, clientOver = false;

 private:
  io::Task<void> open(std::unique_ptr<io::Socket> socket, Opened& out) {
    auto made = tls::Context::server({.own = party.credentials(), .roots = {root.certificate}});
    out = co_await tls::Stream::accept(*std::move(made), std::move(socket), clock.now() + seconds(5));
  }
  io::Task<void> connect(std::unique_ptr<io::Socket> socket, Opened& out) {
    auto made = tls::Context::client({.own = party.credentials(), .roots = {root.certificate}});
    std::string anybody;
    out = co_await tls::Stream::connect(*std::move(made), std::move(socket), std::move(anybody),
                                        clock.now() + seconds(5));
  }
  io::Task<void> runCaller() {
    callerReason = co_await relay(*downstream, Leg(*caller), tap, *resources, progress);
    downstream.reset();
    caller.reset();
  }
  io::Task<void> runCallee() {
    calleeReason = co_await relay(Leg(*callee), *upstream, calleeTap, *resources, calleeProgress);
    callee.reset();
    upstream.reset();
  }
};

TEST_F(RelayTlsTest, CarriesBothDirectionsByteForByteAndBothTapsSeeThem) {
  const auto request = noise(3'000'000, 1);
  const auto response = noise(5'000'000, 2);
  startBoth();
  scope.spawn(send(*client, request, true));
  scope.spawn(send(*server, response, true));
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  scope.spawn(receive(*client, atClient, clientError, clientOver));
  turnUntil([&] { return serverOver && clientOver && bothOver(); });
  EXPECT_EQ(*callerReason, CloseReason::Finished);
  EXPECT_EQ(*calleeReason, CloseReason::Finished);
  EXPECT_FALSE(serverError || clientError);
  EXPECT_TRUE(atServer == request);
  EXPECT_TRUE(atClient == response);
  EXPECT_TRUE(tap.seen[0] == request && calleeTap.seen[0] == request);
  EXPECT_TRUE(tap.seen[1] == response && calleeTap.seen[1] == response);
  EXPECT_EQ(progress.upstreamBytes, request.size());
  EXPECT_EQ(calleeProgress.downstreamBytes, response.size());
}

TEST_F(RelayTlsTest, AHalfCloseIsAHalfClose) {
  startBoth();
  scope.spawn(send(*client, {'b', 'y', 'e'}, true));
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  turnUntil([&] { return serverOver; });
  EXPECT_FALSE(serverError);
  EXPECT_FALSE(bothOver());
  const auto late = noise(400'000, 3);
  scope.spawn(send(*server, late, true));
  scope.spawn(receive(*client, atClient, clientError, clientOver));
  turnUntil([&] { return clientOver && bothOver(); });
  EXPECT_FALSE(clientError);
  EXPECT_TRUE(atClient == late);
  EXPECT_EQ(*callerReason, CloseReason::Finished);
  EXPECT_EQ(*calleeReason, CloseReason::Finished);
}

TEST_F(RelayTlsTest, AClientsResetReachesTheServerBehindItsData) {
  startBoth();
  const auto bytes = noise(300'000, 4);
  scope.spawn(send(*client, bytes, false));
  turnUntil([&] { return calleeProgress.upstreamBytes == bytes.size(); });
  closeByReset(*client);
  client.reset();
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  turnUntil([&] { return serverOver && bothOver(); });
  EXPECT_EQ(*callerReason, CloseReason::DownstreamReset);
  EXPECT_EQ(*calleeReason, CloseReason::DownstreamReset);
  EXPECT_TRUE(atServer == bytes);
  ASSERT_TRUE(serverError.has_value());
  EXPECT_EQ(serverError->code, ErrorCode::Reset);
}

TEST_F(RelayTlsTest, AServersResetReachesTheClientBehindItsData) {
  startBoth();
  const auto bytes = noise(300'000, 5);
  scope.spawn(send(*server, bytes, false));
  turnUntil([&] { return progress.downstreamBytes == bytes.size(); });
  closeByReset(*server);
  server.reset();
  scope.spawn(receive(*client, atClient, clientError, clientOver));
  turnUntil([&] { return clientOver && bothOver(); });
  EXPECT_EQ(*callerReason, CloseReason::UpstreamReset);
  EXPECT_TRUE(atClient == bytes);
  ASSERT_TRUE(clientError.has_value());
  EXPECT_EQ(clientError->code, ErrorCode::Reset);
}

TEST_F(RelayTlsTest, AProxyThatIsCutOffIsAResetAndNoEnd) {
  startBoth();
  const auto bytes = noise(1000, 6);
  scope.spawn(send(*server, bytes, false));
  turnUntil([&] { return progress.downstreamBytes == bytes.size(); });
  ::shutdown(callee->socket().fd(), SHUT_WR);  // as whoever stands between them could: a FIN without close_notify
  scope.spawn(receive(*client, atClient, clientError, clientOver));
  turnUntil([&] { return clientOver && callerReason.has_value(); });
  EXPECT_EQ(*callerReason, CloseReason::UpstreamReset);
  EXPECT_TRUE(atClient == bytes);
  ASSERT_TRUE(clientError.has_value());
  EXPECT_EQ(clientError->code, ErrorCode::Reset);
}

TEST_F(RelayTlsTest, AClientThatNeverReadsHoldsTheServerBack) {
  startBoth();
  const auto much = noise(64'000'000, 7);
  scope.spawn(send(*server, much, true));
  std::uint64_t before = ~std::uint64_t{0};
  while (before != calleeProgress.downstreamBytes) {  // until nothing moves any more
    before = calleeProgress.downstreamBytes;
    for (int i = 0; i < 200; ++i) loop->turn(milliseconds(1));
  }
  EXPECT_LT(progress.downstreamBytes, much.size());
  scope.spawn(receive(*client, atClient, clientError, clientOver));
  scope.spawn(send(*client, {'x'}, true));
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  turnUntil([&] { return clientOver && bothOver(); });
  EXPECT_FALSE(clientError);
  EXPECT_TRUE(atClient == much);
}

}  // namespace
}  // namespace loam::relay
