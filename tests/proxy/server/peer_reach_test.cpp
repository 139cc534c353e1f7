#include "tests/proxy/server/peer_port_fixture.h"

namespace loam::server {
namespace {

/// What the port for proxies reaches for a proxy of the mesh that wants more than it is offered.
class PeerReachTest : public PeerPortTest {
 protected:
  /// All that comes back to `said` inside TLS, to the end; an application is not expected to answer.
  std::string answerTo(const std::string& said) {
    RawPeer peer = caller(&party, &authority.intermediate);
    peer.toSend = said;
    talk(peer, [&] { return peer.closedCleanly; });
    EXPECT_TRUE(peer.shaken()) << peer.failure;
    return peer.received;
  }
  void expectNotAdvertised(const std::string& destination) {
    for (const bool question : {false, true}) {
      const double before = counted(server->counters(), "loam_mtls_not_advertised_total");
      EXPECT_EQ(answerTo(prefaceTo(*SocketAddress::parse(destination), question)), "\1") << destination;
      EXPECT_TRUE(becomesIdle());
      EXPECT_EQ(counted(server->counters(), "loam_mtls_not_advertised_total"), before + 1) << destination;
    }
  }

  const Party party = nodeA();
};

TEST_F(PeerReachTest, NothingThatTheSnapshotDoesNotNameIsReached) {
  const Doorstep unnamed("10.79.0.1:5433");
  const Doorstep atLoopback("127.0.0.1:5432");
  const Doorstep elsewhere("10.79.9.2:5432");
  const Doorstep otherAddress("10.79.0.3:5432");
  for (const char* destination :
       {"10.79.0.1:5433", "10.79.0.1:22", "10.79.0.1:7412", "10.79.0.1:7402", "127.0.0.1:5432", "127.0.0.2:5432",
        "127.0.0.1:7412", "[::1]:5432", "[::ffff:127.0.0.1]:5432", "[::ffff:10.79.0.1]:5433", "10.79.0.3:5432",
        "10.79.9.2:5432", "10.79.9.2:7402", "0.0.0.0:5432", "[::]:5432", "224.0.0.1:5432", "255.255.255.255:5432",
        "[fe80::1]:5432"}) {
    expectNotAdvertised(destination);
  }
  EXPECT_FALSE(unnamed.wasDialled() || atLoopback.wasDialled() || elsewhere.wasDialled() || otherAddress.wasDialled());
  EXPECT_FALSE(application->wasDialled());
  EXPECT_EQ(answerTo(prefaceTo(application->address(), true)), std::string("\0", 1)) << "the named one";
  EXPECT_EQ(answerTo(prefaceTo(*SocketAddress::parse("[::ffff:10.79.0.1]:5432"), true)), std::string("\0", 1))
      << "which is the same address";
}

TEST_F(PeerReachTest, WhatTheSnapshotNamesIsNotReachedWhereItIsNotForOthers) {
  const Doorstep atLoopback("127.0.0.1:6379");
  const Doorstep elsewhere("10.79.9.2:5432");
  const Doorstep narrowed("10.79.0.1:5434");
  const Doorstep whole("10.79.0.3:80");
  install({service("db", {kApplication, "10.79.9.2:5432"}, "strict"),
           service("cache", {"127.0.0.1:6379", "[::1]:6379"}, "strict"),
           service("proxy", {"10.79.0.1:7412", "10.79.0.1:7402"}, "strict"),
           service("quiet", {"10.79.0.1:5433"}, "off"), service("looked at", {"10.79.0.1:5435"}, "observe"),
           service("narrowed", {"10.79.0.1:5434"}, "strict", R"({"ports": [9]})"),
           service("whole host", {"10.79.0.3:0"}, "strict")});
  for (const char* destination :
       {"10.79.9.2:5432", "127.0.0.1:6379", "[::1]:6379", "[::ffff:127.0.0.1]:6379", "10.79.0.1:7412", "10.79.0.1:7402",
        "10.79.0.1:5433", "10.79.0.1:5435", "10.79.0.1:5434", "10.79.0.3:80"}) {
    expectNotAdvertised(destination);
  }
  EXPECT_FALSE(atLoopback.wasDialled() || elsewhere.wasDialled() || narrowed.wasDialled() || whole.wasDialled());
  EXPECT_EQ(answerTo(prefaceTo(application->address(), true)), std::string("\0", 1));
}

TEST_F(PeerReachTest, APrefaceThatIsNoneReachesNothingAndIsNotAnswered) {
  const std::string good = prefaceTo(application->address());
  const auto with = [&](std::size_t at, std::string_view bytes) {
    std::string changed = good;
    return changed.replace(at, bytes.size(), bytes);
  };
  const std::vector<std::pair<const char*, std::string>> all = {
      {"HTTP", "GET / HTTP/1.1\r\nHost: db\r\n\r\n"},
      {"version 1 of the protocol", "PROXY TCP4 10.79.9.2 10.79.0.1 40000 5432\r\n"},
      {"LOCAL", with(12, "\x20")},
      {"UDP", with(13, "\x12")},
      {"a Unix socket", with(13, "\x31")},
      {"no family", with(13, std::string_view("\0", 1))},
      {"port 0", with(26, std::string_view("\0\0", 2))},
      {"too short for its addresses", with(14, std::string_view("\0\x0b", 2))},
      {"longer than any", with(14, "\xff\xff") + std::string(70'000, 'x')},
      {"an extension that is cut", with(14, std::string_view("\0\x0e", 2)) + "\xe0\x01"}};
  for (const auto& [what, bytes] : all) {
    const double before = refused("preface");
    EXPECT_EQ(answerTo(bytes), "") << what;
    EXPECT_TRUE(becomesIdle());
    EXPECT_EQ(refused("preface"), before + 1) << what;
  }
  for (std::size_t cut = 0; cut < good.size(); cut += 5) {
    RawPeer peer = caller(&party, &authority.intermediate);
    peer.toSend = good.substr(0, cut);
    talk(peer, [&] { return peer.shaken() && peer.toSend.empty() && peer.outbox().empty(); });
    peer.endWriting();
    talk(peer, [&] { return peer.closedCleanly; });
    EXPECT_EQ(peer.received, "") << cut;
    EXPECT_TRUE(becomesIdle());
  }
  EXPECT_FALSE(application->wasDialled());
}

}  // namespace
}  // namespace loam::server
