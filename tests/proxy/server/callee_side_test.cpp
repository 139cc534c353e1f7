#include <chrono>

#include "proxy/tls/preface.h"
#include "tests/proxy/server/peer_port_fixture.h"
#include "tests/proxy/server/proxy_on_a_loop.h"

namespace loam::server {
namespace {

/// The callee's side where the test has the time in its hand: connections that are led to it in plaintext, and peers
/// that take their time.
class CalleeSideTest : public MeshHostTest {
 protected:
  static constexpr const char* kApplication = "10.79.0.1:5432";

  void SetUp() override {
    MeshHostTest::SetUp();
    if (IsSkipped()) return;
    clock.setWall(std::chrono::system_clock::now());  // certificates are of today
    application = std::make_unique<Doorstep>(kApplication);
  }
  void start(const char* stage) {
    proxy = std::make_unique<ProxyOnALoop>(clock, &identity, table({service("db", {kApplication}, stage)}));
    proxy->loopGuard.refreshAddresses(clock.now());
    proxy->context.terms.mark = kOurs;
  }
  void turn(int times = 10) {
    for (int i = 0; i < times; ++i) proxy->loop->turn(milliseconds(1));
  }

  static constexpr std::uint32_t kOurs = 1;
  loam::test::FakeClock clock;
  std::unique_ptr<Doorstep> application;
  std::unique_ptr<ProxyOnALoop> proxy;
};

TEST_F(CalleeSideTest, D2_PlaintextIsTakenBelowStrictAndCountedAsOfNobodyByEdge) {
  // As the guard leads it here: everything to the application but what this proxy dials.
  guard::shell(
      "nft add table ip t && nft 'add chain ip t c { type nat hook output priority -100; }' && "
      "nft add rule ip t c ip daddr 10.79.0.1 tcp dport 5432 meta mark != 1 redirect to :7411");
  const Doorstep captured("127.0.0.1:7411");
  struct Case {
    const char* stage;
    const char* from;
    const char* state;  ///< "-": not let in
  };
  for (const auto& [stage, from, state] :
       {Case{"off", "10.79.9.2", ""}, Case{"observe", "10.79.9.2", "unprobed"},
        Case{"permissive", "10.79.9.2", "unprobed"}, Case{"prefer", "10.79.9.2", "unprobed"},
        Case{"strict", "10.79.9.2", "-"}, Case{"permissive", "10.79.0.3", "local"},
        Case{"strict", "10.79.0.3", "local"}}) {
    start(stage);
    const Descriptor client = guard::dial(kApplication, milliseconds(2000), from);
    const SocketAddress name = *SocketAddress::parse(guard::localName(client.get()));
    proxy->carryFrom(captured.accept(2000), name, Entry{relay::Vantage::Inbound, {}});
    turn();
    const bool letIn = std::string_view(state) != "-";
    EXPECT_EQ(bool(application->accept()), letIn) << stage << " " << from;
    const Told& told = *proxy->taps.all.at(0);
    EXPECT_EQ(told.facts.client, name);
    EXPECT_EQ(told.facts.destination.text(), kApplication);
    EXPECT_EQ(told.security, state) << stage << " " << from;
    EXPECT_EQ(told.identity, "") << "nobody proved anything";
    if (letIn && *state != '\0') {
      EXPECT_EQ(counted({&proxy->counters}, "loam_mtls_connections_total", state), 1);
    }
    if (letIn) continue;
    std::string heard;
    EXPECT_FALSE(takeNow(client.get(), heard));
    EXPECT_EQ(errno, ECONNRESET);
    EXPECT_EQ(told.closed, relay::CloseReason::Denied);
    EXPECT_EQ(proxy->verdicts.all, std::vector{std::string(kApplication) + " mtls plaintext"});
  }
}

TEST_F(CalleeSideTest, APeerThatTakesItsTimeIsLetGoWithoutAByteUpstream) {
  constexpr milliseconds kPatience{10'000};
  const Doorstep port("10.79.0.1:7412");
  const std::string preface =
      tls::encode({*SocketAddress::parse("10.79.9.2:40000"), *SocketAddress::parse(kApplication), false});
  const Party party = makeParty({}, &authority.intermediate);
  struct Case {
    const char* what;
    bool shakes;
    std::size_t ofPreface;
  };
  for (const auto& [what, shakes, ofPreface] :
       {Case{"says nothing", false, 0}, Case{"says nothing in TLS", true, 0}, Case{"half a head", true, 9},
        Case{"a head", true, 16}, Case{"all but a byte", true, 27}}) {
    start("strict");
    RawPeer peer(false, guard::dial("10.79.0.1:7412", milliseconds(2000), "10.79.9.2"), &party,
                 [&](SSL_CTX* of) { SSL_CTX_add1_chain_cert(of, authority.intermediate.certificate.get()); });
    peer.toSend = preface.substr(0, ofPreface);
    proxy->carryFrom(port.accept(2000), *SocketAddress::parse("10.79.9.2:40000"),
                     Entry{.vantage = relay::Vantage::Inbound, .to = {}, .forProxies = true});
    const auto go = [&, shakes = shakes] {
      for (int i = 0; i < 10; ++i) {
        if (shakes) peer.step();
        turn(1);
      }
    };
    go();
    EXPECT_EQ(peer.shaken(), shakes) << what;
    clock.advance(kPatience - milliseconds(100));
    go();
    EXPECT_EQ(proxy->connections.size(), 1u) << what;
    clock.advance(milliseconds(200));
    go();
    EXPECT_EQ(proxy->connections.size(), 0u) << what;
    EXPECT_EQ(counted({&proxy->counters}, "loam_mtls_peers_refused_total", "timeout"), 1) << what;
    EXPECT_EQ(peer.received, "") << what;
    EXPECT_FALSE(application->wasDialled()) << what;
  }
}

}  // namespace
}  // namespace loam::server
