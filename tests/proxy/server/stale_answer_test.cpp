#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "proxy/server/peers.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_controller.h"

namespace loam::server {
namespace {

/// A destination beside which nobody listens.
class StaleAnswerTest : public testing::Test {
 protected:
  StaleAnswerTest() {
    clock.setWall(std::chrono::system_clock::now());  // certificates are of today
    test::CertificateSpec spec;
    spec.names = "URI:spiffe://loam/proxy/node-a";
    EXPECT_TRUE(current.use({authority.credentials(spec), test::trustIn(1, {&authority}), {}}));
  }

  static std::uint16_t freePort(io::EventLoop& loop) {
    return (*io::Listener::bind(loop, *SocketAddress::parse("127.0.0.1:0")))->address().port;
  }
  static io::Task<void> callInto(Peers& peers, PeerTerms terms, std::optional<PeerCall>& out) {
    PeerCall call = co_await peers.call(std::move(terms), 3);
    out.emplace(std::move(call));
  }
  void call() {
    std::optional<PeerCall> out;
    calls.spawn(callInto(
        peers, {.dial = {.destination = kDestination, .source = {}}, .preface = {kClient, kDestination, false}}, out));
    const auto end = std::chrono::steady_clock::now() + seconds(5);
    while (!out && std::chrono::steady_clock::now() < end) loop->turn(milliseconds(1));
    ASSERT_TRUE(out);
    EXPECT_EQ(relay::text(out->security), "no_proxy");
    EXPECT_EQ(relay::text(peers.known(kDestination)), "no_proxy");
  }
  void pass(milliseconds time) {
    clock.advance(time);
    loop->turn(milliseconds(0));
  }

  const SocketAddress kDestination = *SocketAddress::parse("127.0.0.1:5432");
  const SocketAddress kClient = *SocketAddress::parse("10.0.0.1:40000");
  test::FakeClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  const test::TestAuthority authority;
  test::TemporaryDirectory directory;
  CurrentIdentity current{IdentityFile(directory.path()), "controller"};
  PeerIdentity identity{&current, clock};
  Peers peers{*loop, freePort(*loop), identity};
  io::TaskScope calls;
};

TEST_F(StaleAnswerTest, ANoIsBelievedForASecond) {
  EXPECT_TRUE(peers.isWorthCalling(kDestination)) << "nobody asked yet";
  call();
  EXPECT_FALSE(peers.isWorthCalling(kDestination));
  pass(Peers::kAskAgainAfter - milliseconds(1));
  EXPECT_FALSE(peers.isWorthCalling(kDestination));
  pass(milliseconds(1));
  EXPECT_TRUE(peers.isWorthCalling(kDestination)) << "it may have been long ago";
  call();
  EXPECT_FALSE(peers.isWorthCalling(kDestination)) << "still no";
}

TEST_F(StaleAnswerTest, ANoOfBeforeASnapshotIsNotBelievedAfterIt) {
  call();
  EXPECT_FALSE(peers.isWorthCalling(kDestination));
  peers.onSnapshot();
  EXPECT_TRUE(peers.isWorthCalling(kDestination));
  call();
  EXPECT_FALSE(peers.isWorthCalling(kDestination)) << "the answer is of this snapshot";
}

TEST_F(StaleAnswerTest, WithoutACertificateTheNoIsOursAndAsOld) {
  clock.setWall(std::chrono::system_clock::now() + std::chrono::hours(48));
  std::optional<PeerCall> out;
  calls.spawn(callInto(
      peers, {.dial = {.destination = kDestination, .source = {}}, .preface = {kClient, kDestination, false}}, out));
  loop->turn(milliseconds(0));
  ASSERT_TRUE(out);
  EXPECT_EQ(relay::text(peers.known(kDestination)), "no_identity");
  EXPECT_FALSE(peers.isWorthCalling(kDestination));
  pass(Peers::kAskAgainAfter);
  EXPECT_TRUE(peers.isWorthCalling(kDestination));
}

}  // namespace
}  // namespace loam::server
