#include <gtest/gtest.h>

#include "tests/shadow/observe/bench.h"

namespace loam::observe {
namespace {

using State = relay::Security::State;

constexpr std::string_view kNodeA = "spiffe://loam/proxy/node-a";

class SecurityRecordTest : public testing::Test {
 protected:
  std::unique_ptr<relay::Tap> connected(relay::Security security, std::string_view identity = {},
                                        std::string_view client = "10.0.0.1:40000") {
    auto tap = bench.open(client, "10.0.0.2:5432");
    tap->onConnected({milliseconds(1), security, identity});
    return tap;
  }
  wire::Counts of(std::string_view security, std::string_view identity = {}) const {
    return bench.total(
        [&](const wire::EdgeReport& edge) { return edge.security == security && edge.identity == identity; });
  }

  Bench bench;
};

TEST_F(SecurityRecordTest, NothingIsToldWhereNobodyAsked) {
  Channel channel(42);
  ConnectionTapFactory factory(channel, fakeDecoders());
  auto tap = factory.open(factsOf("10.0.0.1:40000", "10.0.0.2:80"), bench.clock.now());
  tap->onConnected({milliseconds(1), {}, kNodeA});
  std::vector<RecordKind> kinds;
  std::size_t texts = 0;
  const auto drain = [&] {
    channel.drain([&](const Text&) { ++texts; }, [&](const Observation& record) { kinds.push_back(record.kind); });
  };
  drain();
  EXPECT_EQ(kinds, std::vector<RecordKind>{RecordKind::Opened});
  EXPECT_EQ(texts, 0u);
  tap->onConnected({milliseconds(1), {State::Mutual}, kNodeA});
  drain();
  EXPECT_EQ(kinds.back(), RecordKind::Security);
  EXPECT_EQ(texts, 1u);
}

TEST_F(SecurityRecordTest, ConnectionsOfOneEdgeAreCountedBySecurityAndIdentity) {
  for (int i = 0; i < 3; ++i) {
    auto tap = connected({State::Mutual}, kNodeA);
    bench.say(*tap, "postgres");
    bench.say(*tap, "ok ");
    bench.close(tap);
  }
  auto plain = connected({State::NotChosen});
  bench.say(*plain, "postgres");
  bench.close(plain);
  auto failed = connected({State::HandshakeFailed, 42});
  bench.close(failed);
  auto unasked = connected({});
  bench.close(unasked);
  bench.seal();
  EXPECT_EQ(of("mutual", kNodeA).connections, 3u);
  EXPECT_EQ(of("mutual", kNodeA).requests, 3u);
  EXPECT_EQ(of("not_chosen").connections, 1u);
  EXPECT_EQ(of("handshake_failed:bad_certificate").connections, 1u);
  EXPECT_EQ(of("").connections, 1u);
  EXPECT_EQ(bench.total().connections, 6u);
}

TEST_F(SecurityRecordTest, AnApplicationsOwnTlsIsNoPlaintextWhereSomebodyAsked) {
  for (const State state : {State::Unasked, State::NoProxy, State::Mutual, State::Local}) {
    auto tap = connected({state});
    bench.say(*tap, "tls");
    bench.close(tap);
  }
  bench.seal();
  EXPECT_EQ(of("own_tls").connections, 1u);
  EXPECT_EQ(of("no_proxy").connections, 0u);
  EXPECT_EQ(of("").connections, 1u);
  EXPECT_EQ(of("mutual").connections, 1u);
  EXPECT_EQ(of("local").connections, 1u);
}

/// A peer that breaks handshakes must not hide behind what the application does.
TEST_F(SecurityRecordTest, AFaultIsToldOfAnApplicationWithItsOwnTlsToo) {
  for (const relay::Security security :
       {relay::Security{State::HandshakeFailed, 48}, relay::Security{State::UnknownPeer},
        relay::Security{State::Suspended}, relay::Security{State::NoIdentity}}) {
    auto tap = connected(security);
    bench.say(*tap, "tls");
    bench.close(tap);
    bench.seal();
    EXPECT_EQ(of(relay::text(security)).connections, 1u) << relay::text(security);
  }
  EXPECT_EQ(of("own_tls").connections, 0u);
}

TEST_F(SecurityRecordTest, OwnTlsLearnedLateMovesWhatFollows) {
  auto tap = connected({State::Unprobed});
  bench.say(*tap, "postgres");
  bench.pass(seconds(4));
  EXPECT_EQ(of("unprobed").connections, 1u);
  bench.say(*tap, "tls");
  bench.pass(seconds(1));
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(of("own_tls").connections, 0u) << "a connection counts once";
  EXPECT_EQ(of("own_tls").bytesSent, 3u);
}

TEST_F(SecurityRecordTest, ADeniedConnectionFailedAndIsSeenToBeDenied) {
  auto denied = bench.open("10.0.0.1:40000", "10.0.0.2:5432");
  bench.close(denied, relay::CloseReason::Denied);
  auto refused = bench.open("10.0.0.1:40001", "10.0.0.2:5432");
  bench.close(refused, relay::CloseReason::UpstreamRefused);
  bench.seal();
  EXPECT_EQ(bench.total().connections, 2u);
  EXPECT_EQ(bench.total().failedConnections, 2u);
  EXPECT_EQ(bench.total().denied, 1u);
  EXPECT_EQ(bench.total().resets, 0u);
}

TEST_F(SecurityRecordTest, IdentitiesBeyondTheBoundAreAVisibleOtherAndCounted) {
  AggregatorLimits limits;
  limits.identities = 2;
  Bench narrow(1, limits);
  std::vector<std::unique_ptr<relay::Tap>> taps;
  for (int i = 0; i < 5; ++i) {
    taps.push_back(narrow.open("10.0.0.1:40000", "10.0.1." + std::to_string(i) + ":80"));
    taps.back()->onConnected({{}, {State::Mutual}, "spiffe://loam/proxy/node-" + std::to_string(i)});
  }
  for (auto& tap : taps) narrow.close(tap);
  narrow.seal();
  const auto other = [](const wire::EdgeReport& edge) { return edge.identity == wire::kOtherIdentity; };
  EXPECT_EQ(narrow.total(other).connections, 3u);
  EXPECT_EQ(narrow.total([](const auto& edge) { return edge.identity == "spiffe://loam/proxy/node-1"; }).connections,
            1u);
  EXPECT_EQ(narrow.aggregator.losses().otherEdges, 3u);
  // Forgotten edges make room.
  narrow.pass(seconds(EdgeTable::kIdleSeconds + 60));
  narrow.sealed.clear();
  auto tap = narrow.open("10.0.0.1:40000", "10.0.1.9:80");
  tap->onConnected({{}, {State::Mutual}, "spiffe://loam/proxy/node-9"});
  narrow.close(tap);
  narrow.seal();
  ASSERT_EQ(narrow.sealed.size(), 1u);
  EXPECT_EQ(narrow.sealed[0].identity, "spiffe://loam/proxy/node-9");
}

TEST_F(SecurityRecordTest, EdgesBeyondTheLimitKeepTheirStateButNotTheAlertAndIdentity) {
  AggregatorLimits limits;
  limits.edges = 1;
  Bench narrow(1, limits);
  for (std::uint8_t alert = 0; alert < 100; ++alert) {
    auto tap = narrow.open("10.0.0.1:40000", "10.0.1." + std::to_string(alert) + ":80");
    tap->onConnected({{}, {State::HandshakeFailed, alert}, "spiffe://loam/proxy/node-" + std::to_string(alert)});
    narrow.close(tap);
  }
  narrow.seal();
  EXPECT_EQ(narrow.sealed.size(), 2u);
  EXPECT_EQ(narrow.sealed[1].security, "handshake_failed");
  EXPECT_EQ(narrow.sealed[1].identity, "");
  EXPECT_EQ(narrow.sealed[1].buckets[0].counts.connections, 99u);
}

TEST(IdentitiesTest, ANumberIsGoodWhileSomebodyHoldsIt) {
  Identities identities(1);
  EXPECT_EQ(identities.text(Identities::kNone), "");
  EXPECT_EQ(identities.acquire(""), Identities::kOther) << "its text was lost";
  const std::uint32_t one = identities.acquire(kNodeA);
  EXPECT_EQ(identities.acquire(kNodeA), one);
  identities.hold(one);
  EXPECT_EQ(identities.text(identities.acquire("spiffe://loam/proxy/node-b")), wire::kOtherIdentity);
  for (int i = 0; i < 2; ++i) identities.release(one);
  EXPECT_EQ(identities.text(one), kNodeA);
  identities.release(one);
  EXPECT_EQ(identities.size(), 0u);
  const std::uint32_t two = identities.acquire("spiffe://loam/proxy/node-b");
  EXPECT_EQ(identities.text(two), "spiffe://loam/proxy/node-b");
}

}  // namespace
}  // namespace loam::observe
