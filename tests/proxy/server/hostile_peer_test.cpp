#include "tests/proxy/server/hostile_peer_fixture.h"

namespace loam::server {
namespace {

TEST_F(HostilePeerTest, ThePeerThatIsMeantIsSpokenTo) {
  for (const char* stage : {"prefer", "strict"}) {
    start(at(stage), [this](Visit& visit) { shake(visit, good, {.says = std::string("\0hello", 6)}); });
    const Outcome out = connect();
    EXPECT_EQ(out.got, "hello");
    EXPECT_EQ(out.state, "mutual");
    EXPECT_EQ(out.identity, "spiffe://loam/proxy/node-c");
    EXPECT_NE(far->heard.find(kSecret), std::string::npos) << "inside TLS";
    EXPECT_EQ(far->plain, 0);
  }
}

TEST_F(HostilePeerTest, D5_AStrictCallerNeverFallsBackWhateverThePeerDoes) {
  for (const Hostile& one : hostiles()) {
    for (const bool denies : {false, true}) {  // prefer without a way back is as closed
      start(denies ? at("prefer", R"(, "fallback": "deny")") : at("strict"), one.does);
      for (int again = 0; again < 2; ++again) {
        const Outcome out = connect();
        EXPECT_EQ(out.got, "") << one.what;
        EXPECT_TRUE(out.wasReset) << one.what;
        EXPECT_LE(out.took, 2 * kTimeout + 2 * kStep) << one.what;
        EXPECT_TRUE(one.isSlow || out.took <= 10 * kStep) << one.what << ": " << out.took.count();
        EXPECT_EQ(out.state, "-") << one.what;
        EXPECT_EQ(out.closed, relay::CloseReason::Denied) << one.what;
        EXPECT_EQ(proxy->verdicts.all.back(), std::string(FarHost::kApplication) + " mtls " + one.state) << one.what;
      }
      EXPECT_EQ(far->plain, 0) << one.what;
      EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;
      const std::string word = std::string(one.state).substr(0, std::string_view(one.state).find(':'));
      EXPECT_EQ(counter("loam_mtls_without_peer_total", word), 2) << one.what;
      EXPECT_EQ(counter("loam_mtls_fallbacks_total"), 0) << one.what;
    }
  }
}

TEST_F(HostilePeerTest, D5_WhoPrefersFallsBackWithinBoundsAndSaysWhy) {
  for (const Hostile& one : hostiles()) {
    start(at("prefer"), one.does);
    const Outcome out = connect();
    EXPECT_EQ(out.got, "hello") << one.what;
    EXPECT_LE(out.took, 2 * Peers::kPatienceUnasked + 4 * kStep) << one.what << ": nobody knew the peer";
    EXPECT_TRUE(one.isSlow || out.took <= 10 * kStep) << one.what << ": " << out.took.count();
    EXPECT_EQ(out.state, one.state) << one.what << ": on its edge of the record";
    const std::string word = std::string(one.state).substr(0, std::string_view(one.state).find(':'));
    EXPECT_EQ(counter("loam_mtls_fallbacks_total", word), 1) << one.what;
    EXPECT_EQ(counter("loam_mtls_connections_total", word), 1) << one.what;
    EXPECT_EQ(counter("loam_mtls_connections_total", "mutual"), 0) << one.what;
    EXPECT_EQ(far->told, kSecret) << one.what << ": once, and whole";
    EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;
  }
}

TEST_F(HostilePeerTest, D4_WhoIsSomebodyElseIsNotSpokenToAndNamedSo) {
  for (const Hostile& one : strangers()) {
    start(at("strict"), one.does);
    const Outcome refused = connect();
    EXPECT_TRUE(refused.wasReset && refused.got.empty()) << one.what;
    EXPECT_EQ(proxy->verdicts.all, std::vector{std::string(FarHost::kApplication) + " mtls " + one.state}) << one.what;
    EXPECT_EQ(counter("loam_mtls_without_peer_total", one.state), 1) << one.what;
    EXPECT_EQ(far->plain, 0) << one.what;
    EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;

    start(at("prefer"), one.does);
    const Outcome back = connect();
    EXPECT_EQ(back.got, "hello") << one.what;
    EXPECT_EQ(back.state, one.state) << one.what;
    EXPECT_EQ(counter("loam_mtls_fallbacks_total", one.state), 1) << one.what;
    EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;
  }
}

TEST_F(HostilePeerTest, AfterSoManyFailuresNobodyWaitsAndThePeerIsTakenBackWhenItAnswers) {
  const FarHost::Behaviour asItShould = [this](Visit& visit) {
    shake(visit, good, {.says = std::string("\0hello", 6)});
  };
  start(at("prefer", R"(, "fallback_after": 3)"), asItShould);
  EXPECT_EQ(connect().state, "mutual");
  far->be([](Visit&) {});
  for (int i = 0; i < 3; ++i) {
    const Outcome out = connect();
    EXPECT_EQ(out.state, "handshake_failed");
    EXPECT_LE(out.took, kTimeout + 4 * kStep) << "a peer that was there is waited for, so long";
  }
  EXPECT_EQ(counter("loam_mtls_fallbacks_total", "handshake_failed"), 3);
  const Outcome suspended = connect();
  EXPECT_EQ(suspended.state, "suspended");
  EXPECT_LE(suspended.took, 4 * kStep) << "known to fail";
  EXPECT_EQ(counter("loam_mtls_fallbacks_total", "suspended"), 1);
  far->be(asItShould);
  pass(Peers::kAskAgainAfter + milliseconds(100));
  EXPECT_EQ(connect().state, "suspended") << "which asks beside the traffic";
  pass(milliseconds(500));
  EXPECT_EQ(connect().state, "mutual");
}

TEST_F(HostilePeerTest, StrictThatCameInTheMeantimeHoldsForWhoWaitsForThePeer) {
  start(at("prefer"), [](Visit&) {});
  const Outcome out = connect([this] { proxy->install(at("strict")); });
  EXPECT_TRUE(out.wasReset);
  EXPECT_EQ(out.closed, relay::CloseReason::Denied);
  EXPECT_EQ(far->plain, 0);
  // And the other way round: who may go on in plaintext by now does.
  start(at("strict"), [](Visit&) {});
  const Outcome eased = connect([this] { proxy->install(at("prefer")); });
  EXPECT_EQ(eased.got, "hello");
  EXPECT_EQ(eased.state, "handshake_failed");
}

TEST_F(HostilePeerTest, WhereNobodyListensOrNothingAnswersItIsSaidSo) {
  start(at("strict"), {});
  EXPECT_TRUE(connect().wasReset);
  EXPECT_EQ(proxy->verdicts.all.back(), std::string(FarHost::kApplication) + " mtls no_proxy");
  start(at("prefer"), {});
  EXPECT_EQ(connect().state, "no_proxy");
  guard::shell(
      "nft add table ip t && nft 'add chain ip t c { type filter hook input priority 0; }' && "
      "nft add rule ip t c tcp dport 7412 drop");
  start(at("strict"), {});
  const Outcome blocked = connect();
  EXPECT_TRUE(blocked.wasReset);
  EXPECT_LE(blocked.took, kTimeout + 4 * kStep);
  EXPECT_EQ(proxy->verdicts.all.back(), std::string(FarHost::kApplication) + " mtls port_blocked");
  start(at("prefer"), {});
  EXPECT_EQ(connect().state, "port_blocked");
  EXPECT_EQ(counter("loam_mtls_fallbacks_total", "port_blocked"), 1);
}

}  // namespace
}  // namespace loam::server
