#include "proxy/server/peers.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/proxy/server/other_proxy.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_controller.h"

namespace loam::server {
namespace {

using relay::Security;
using State = Security::State;

class PeersTest : public testing::Test {
 protected:
  PeersTest() { EXPECT_TRUE(current.use(identityOf("node-a"))); }

  Identity identityOf(const std::string& name) const {
    test::CertificateSpec spec;
    spec.names = "URI:spiffe://loam/proxy/" + name;
    return {authority.credentials(spec), test::trustIn(1, {&authority}), {}};
  }
  std::shared_ptr<const tls::Context> contextOf(const tls::Credentials& own) const {
    auto made = tls::Context::server({.own = own, .roots = {authority.root.certificate}});
    EXPECT_TRUE(made) << made.error().describe();
    return *made;
  }
  PeerTerms terms(std::vector<std::string> expected = {}) const {
    return {.dial = {.destination = kDestination, .source = {}},
            .preface = {kClient, kDestination, false},
            .expected = std::move(expected),
            .patience = milliseconds(2000)};
  }
  void turnUntil(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + seconds(5);
    while (!done() && std::chrono::steady_clock::now() < end) loop->turn(milliseconds(1));
    EXPECT_TRUE(done());
  }
  /// What is under way goes as far as it comes in no time.
  void settle() {
    for (int turn = 0; turn < 10; ++turn) loop->turn(milliseconds(1));
  }
  static io::Task<void> callInto(Peers& peers, PeerTerms terms, std::uint32_t fallbackAfter,
                                 std::optional<PeerCall>& out) {
    PeerCall call = co_await peers.call(std::move(terms), fallbackAfter);
    out.emplace(std::move(call));
  }
  PeerCall call(std::uint32_t fallbackAfter = 3, std::vector<std::string> expected = {}) {
    std::optional<PeerCall> out;
    calls.spawn(callInto(peers, terms(std::move(expected)), fallbackAfter, out));
    turnUntil([&] { return out.has_value(); });
    return std::move(out).value_or(PeerCall());
  }
  void ask(std::vector<std::string> expected = {}) {
    EXPECT_TRUE(peers.isDue(kDestination));
    const int before = other.calls;
    peers.ask(terms(std::move(expected)));
    EXPECT_FALSE(peers.isDue(kDestination)) << "somebody asks already";
    turnUntil([&] { return other.calls > before; });
    settle();
  }
  std::string known() const { return relay::text(peers.known(kDestination)); }

  const SocketAddress kDestination = *SocketAddress::parse("127.0.0.1:5432");
  const SocketAddress kClient = *SocketAddress::parse("10.0.0.1:40000");
  test::FakeClock clock = [] {
    test::FakeClock now;
    now.setWall(std::chrono::system_clock::now());  // certificates are of today
    return now;
  }();
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  const test::TestAuthority authority;
  test::TemporaryDirectory directory;
  CurrentIdentity current{IdentityFile(directory.path()), "controller"};
  PeerIdentity identity{&current, clock};
  OtherProxy other{*loop, contextOf(identityOf("node-b").own)};
  Peers peers{*loop, other.port(), identity};
  io::TaskScope calls;
};

TEST_F(PeersTest, OfWhomNobodyAskedNothingIsKnownAndHeIsWorthTrying) {
  EXPECT_EQ(known(), "unprobed");
  EXPECT_TRUE(peers.isDue(kDestination));
  EXPECT_TRUE(Peers::isWorthTrying(peers.known(kDestination)));
  for (const State state : {State::NoProxy, State::PortBlocked, State::NotAdvertising, State::UnknownPeer,
                            State::HandshakeFailed, State::NoIdentity, State::Suspended}) {
    EXPECT_FALSE(Peers::isWorthTrying({state, 0})) << relay::text({state, 0});
  }
}

TEST_F(PeersTest, APeerThatWouldDoIsAskedEveryTenSeconds) {
  ask();
  EXPECT_EQ(known(), "ready");
  ASSERT_EQ(other.prefaces.size(), 1u);
  EXPECT_EQ(other.prefaces[0], (tls::Preface{kClient, kDestination, true})) << "a question, not a connection";
  clock.advance(Peers::kAskEvery - milliseconds(100));
  settle();
  EXPECT_FALSE(peers.isDue(kDestination));
  clock.advance(milliseconds(100));
  settle();
  EXPECT_TRUE(peers.isDue(kDestination));
}

TEST_F(PeersTest, OneThatWouldNotIsAskedAgainASecondLater) {
  other.answer = tls::Answer::NotAdvertised;
  ask();
  EXPECT_EQ(known(), "not_advertising");
  clock.advance(Peers::kAskAgainAfter - milliseconds(100));
  settle();
  EXPECT_FALSE(peers.isDue(kDestination));
  clock.advance(milliseconds(100));
  settle();
  other.answer = tls::Answer::Accepted;
  ask();
  EXPECT_EQ(known(), "ready");
}

TEST_F(PeersTest, NobodyAsksTwiceWhileAnAnswerIsAwaited) {
  other.isSilent = true;
  peers.ask(terms());
  settle();
  EXPECT_FALSE(peers.isDue(kDestination));
  clock.advance(milliseconds(1500));
  settle();
  EXPECT_FALSE(peers.isDue(kDestination));
  EXPECT_EQ(known(), "unprobed");
  clock.advance(milliseconds(600));
  turnUntil([&] { return known() == "handshake_failed"; });
  EXPECT_EQ(other.calls, 1);
}

TEST_F(PeersTest, ACallAnswersAndTells) {
  const PeerCall good = call();
  ASSERT_TRUE(good.stream);
  EXPECT_EQ(good.stream->peerIdentity().id, "spiffe://loam/proxy/node-b");
  EXPECT_TRUE(good.security.isMutual());
  EXPECT_EQ(known(), "ready");
  EXPECT_EQ(other.prefaces.back(), (tls::Preface{kClient, kDestination, false}));
  EXPECT_FALSE(peers.isDue(kDestination)) << "the call has told";
}

TEST_F(PeersTest, WhatTheApplicationAnsweredIsNoFaultOfThePeers) {
  for (const tls::Answer answer :
       {tls::Answer::Refused, tls::Answer::Unreachable, tls::Answer::Denied, tls::Answer::Failed}) {
    other.answer = answer;
    const PeerCall refused = call(1);
    EXPECT_FALSE(refused.stream);
    EXPECT_EQ(refused.answer, answer);
    EXPECT_TRUE(refused.security.isMutual());
    EXPECT_EQ(known(), "ready");
  }
}

TEST_F(PeersTest, SoManyFailedHandshakesSuspendAPeerAndAnAnsweredQuestionBringsItBack) {
  EXPECT_TRUE(call().security.isMutual());
  other.resets = true;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(relay::text(call(3).security), "handshake_failed");
  EXPECT_EQ(known(), "ready") << "two are not three";
  EXPECT_EQ(relay::text(call(3).security), "handshake_failed") << "the call itself says what happened to it";
  EXPECT_EQ(known(), "suspended");
  clock.advance(Peers::kAskAgainAfter);
  settle();
  ask();
  EXPECT_EQ(known(), "handshake_failed") << "still";
  clock.advance(Peers::kAskAgainAfter);
  settle();
  other.resets = false;
  ask();
  EXPECT_EQ(known(), "ready");
  other.resets = true;
  for (int i = 0; i < 2; ++i) call(3);
  EXPECT_EQ(known(), "ready") << "it counts anew";
}

TEST_F(PeersTest, FailuresThatAreFarApartDoNotAddUp) {
  EXPECT_TRUE(call().security.isMutual());
  other.resets = true;
  for (int i = 0; i < 6; ++i) {
    call(2);
    EXPECT_EQ(known(), "ready") << i;
    clock.advance(milliseconds(10'100));
    settle();
  }
  call(2);
  clock.advance(seconds(9));
  settle();
  call(2);
  EXPECT_EQ(known(), "suspended");
}

TEST_F(PeersTest, ASuccessEndsTheCount) {
  for (int i = 0; i < 4; ++i) {
    other.resets = true;
    call(2);
    other.resets = false;
    EXPECT_TRUE(call(2).security.isMutual());
    EXPECT_EQ(known(), "ready");
  }
}

TEST_F(PeersTest, SilenceEndsAtThePatienceOfTheCall) {
  other.isSilent = true;
  std::optional<PeerCall> out;
  calls.spawn(callInto(peers, terms(), 1, out));
  turnUntil([&] { return other.calls == 1; });
  clock.advance(milliseconds(1900));
  settle();
  EXPECT_FALSE(out);
  clock.advance(milliseconds(200));
  turnUntil([&] { return out.has_value(); });
  EXPECT_EQ(relay::text(out->security), "handshake_failed");
  EXPECT_EQ(known(), "suspended");
}

TEST_F(PeersTest, D4_WhoIsNotExpectedHearsNotEvenWhereTo) {
  for (const std::string spiffe :
       {"spiffe://loam/proxy/node-c", "spiffe://loam/proxy/x/node-b", "spiffe://loam/proxy/node-b/x",
        "spiffe://loam/proxy/node-b/", "spiffe://loam/proxy/NODE-B", "spiffe://loam/proxy/proxy/node-b",
        "spiffe://loam/controller/node-b", "spiffe://other/proxy/node-b"}) {
    test::CertificateSpec spec;
    spec.names = "URI:" + spiffe;
    OtherProxy impostor(*loop, contextOf(authority.credentials(spec)));
    Peers met(*loop, impostor.port(), identity);
    std::optional<PeerCall> out;
    calls.spawn(callInto(met, terms({"node-b"}), 1, out));
    turnUntil([&] { return out.has_value(); });
    EXPECT_FALSE(out->stream) << spiffe;
    EXPECT_EQ(relay::text(out->security), "unknown_peer") << spiffe;
    EXPECT_EQ(relay::text(met.known(kDestination)), "unknown_peer") << "at once: it is no accident";
    settle();
    EXPECT_TRUE(impostor.prefaces.empty()) << spiffe;
  }
  EXPECT_TRUE(call(1, {"node-a", "node-b"}).stream);
  EXPECT_TRUE(call(1).stream) << "where the record knows nobody any proxy of the mesh may answer";
}

TEST_F(PeersTest, WhereNobodyListensThereIsNoProxy) {
  other.close();
  EXPECT_EQ(relay::text(call().security), "no_proxy");
  EXPECT_EQ(known(), "no_proxy");
}

TEST_F(PeersTest, WithoutACertificateThatIsValidNowNobodyIsCalled) {
  clock.setWall(std::chrono::system_clock::now() + std::chrono::hours(2));
  EXPECT_EQ(relay::text(call().security), "no_identity");
  EXPECT_EQ(other.calls, 0);
  clock.setWall(std::chrono::system_clock::now());
  EXPECT_TRUE(call().stream);
}

}  // namespace
}  // namespace loam::server
