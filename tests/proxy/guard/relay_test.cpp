#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tests/proxy/guard/host.h"
#include "tests/proxy/guard/tiny_proxy.h"

namespace loam::guard {
namespace {

class RelayTest : public HostTest {
 protected:
  std::string addressOnly(const std::string& socketAddress) {
    return socketAddress.substr(0, socketAddress.rfind(':'));
  }
  static CaptureSettings both() {
    CaptureSettings settings;
    settings.outbound = settings.inbound = true;
    return settings;
  }
};

TEST_F(RelayTest, OutboundConnectionsOfBothFamiliesGoThroughAndKeepTheirAddress) {
  Child server;
  far_.within([&] { server = startServer(8080); });
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  ASSERT_EQ(proxy.error(), "");
  int expected = 0;
  for (const char* to : {"10.77.0.2:8080", "[fd77::2]:8080"}) {
    const Descriptor client = dial(to);
    ASSERT_TRUE(client) << to;
    EXPECT_EQ(addressOnly(readLine(client.get())), addressOnly(localName(client.get())));
    EXPECT_TRUE(echoes(client.get(), std::string(100000, 'x')));
    EXPECT_EQ(proxy.outbound(), ++expected);
    EXPECT_EQ(proxy.lastDestination(), to);
  }
}

TEST_F(RelayTest, LoopbackConnectionsAreCapturedOnceAndKeepTheirDestination) {
  Child server = startServer(8080);
  GuardProcess guard({"--outbound", "--inbound", "all"});
  TinyProxy proxy(guard.socket());
  ASSERT_EQ(proxy.error(), "");
  int expected = 0;
  for (const char* to : {"127.0.0.1:8080", "127.0.0.2:8080", "[::1]:8080", "10.77.0.1:8080", "[fd77::1]:8080"}) {
    const Descriptor client = dial(to);
    ASSERT_TRUE(client) << to;
    EXPECT_EQ(addressOnly(readLine(client.get())), addressOnly(localName(client.get()))) << to;
    EXPECT_TRUE(echoes(client.get(), "hello"));
    EXPECT_EQ(proxy.outbound(), ++expected) << to;
    EXPECT_EQ(proxy.inbound(), 0);
    EXPECT_EQ(proxy.lastDestination(), to);
  }
}

TEST_F(RelayTest, InboundServersSeeTheClientsAddressAndPortWhateverTheReversePathFilter) {
  Child server = startServer(8080);
  GuardProcess guard({"--inbound", "8080"});
  TinyProxy proxy(guard.socket());
  ASSERT_EQ(proxy.error(), "");
  EXPECT_TRUE(proxy.transparent());
  int expected = 0;
  for (const char* filter : {"0", "1", "2"}) {
    shell(std::string("for i in all lo near; do echo ") + filter + " > /proc/sys/net/ipv4/conf/$i/rp_filter; done");
    for (const char* to : {"10.77.0.1:8080", "[fd77::1]:8080"}) {
      Descriptor client;
      far_.within([&] { client = dial(to); });
      ASSERT_TRUE(client) << to;
      EXPECT_EQ(readLine(client.get()), localName(client.get())) << to << " rp_filter " << filter;
      EXPECT_TRUE(echoes(client.get(), std::string(100000, 'y')));
      EXPECT_EQ(proxy.inbound(), ++expected);
      EXPECT_EQ(proxy.lastDestination(), to);
    }
  }
}

TEST_F(RelayTest, AnUncapturedConnectionOfTheSameClientIsNotDisturbed) {
  Child server = startServer(8080);
  Descriptor old;
  far_.within([&] { old = dial("10.77.0.1:8080"); });
  EXPECT_EQ(readLine(old.get()), localName(old.get()));
  GuardProcess guard({"--inbound", "all"});
  TinyProxy proxy(guard.socket());
  for (int i = 0; i < 200; ++i) {
    Descriptor client;
    far_.within([&] { client = dial("10.77.0.1:8080"); });
    ASSERT_EQ(readLine(client.get()), localName(client.get()));
  }
  EXPECT_EQ(proxy.inbound(), 200);
  EXPECT_TRUE(echoes(old.get(), "still here"));
}

TEST_F(RelayTest, ConnectionsOlderThanCaptureSurviveApplyingReplacingAndRemoving) {
  Child server = startServer(8080);
  Child farServer;
  far_.within([&] { farServer = startServer(8081); });
  GuardProcess guard;
  TinyProxy proxy(guard.socket());
  std::vector<Descriptor> old;
  for (int i = 0; i < 5; ++i) {
    old.push_back(dial(i % 2 ? "127.0.0.1:8080" : "10.77.0.2:8081"));
    far_.within([&] { old.push_back(dial(i % 2 ? "10.77.0.1:8080" : "[fd77::1]:8080")); });
  }
  for (const Descriptor& socket : old) readLine(socket.get());
  const auto allEcho = [&] {
    return std::all_of(old.begin(), old.end(), [](const Descriptor& s) { return echoes(s.get(), "tick"); });
  };
  GuardClient client = guard.client();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(client.applyCapture(both()));
    EXPECT_TRUE(allEcho());
    CaptureSettings other = both();
    other.excludePorts = {1234};
    other.notrackOwn = round == 1;
    ASSERT_TRUE(client.applyCapture(other));
    EXPECT_TRUE(eventually([&] { return client.showCapture()->alive; }));
    EXPECT_TRUE(allEcho());
    const Descriptor young = dial("127.0.0.1:8080");
    EXPECT_NE(readLine(young.get()), "");
    EXPECT_EQ(proxy.outbound(), round + 1);
    ASSERT_TRUE(client.applyCapture(both()));
    EXPECT_TRUE(echoes(young.get(), "relayed across a replacement"));
    ASSERT_TRUE(client.removeCapture(true));
    EXPECT_TRUE(allEcho());
  }
  EXPECT_EQ(proxy.inbound(), 0);
}

TEST_F(RelayTest, RelayedConnectionsHoldRemovalBackUntilTheyEndOrAreCut) {
  Child server = startServer(8080);
  GuardProcess guard({"--outbound", "--inbound", "all"});
  TinyProxy proxy(guard.socket());
  GuardClient client = guard.client();
  Descriptor relayed = dial("127.0.0.1:8080");
  Descriptor inbound;
  far_.within([&] { inbound = dial("10.77.0.1:8080"); });
  ASSERT_NE(readLine(relayed.get()), "");
  ASSERT_NE(readLine(inbound.get()), "");
  auto removal = client.removeCapture(false);
  ASSERT_TRUE(removal);
  EXPECT_FALSE(removal->removed);
  EXPECT_EQ(removal->relayed, 2u);
  EXPECT_TRUE(client.showCapture()->removing);
  const Descriptor direct = dial("127.0.0.1:8080");
  EXPECT_EQ(readLine(direct.get()), localName(direct.get()));
  EXPECT_EQ(proxy.outbound(), 1);
  EXPECT_TRUE(echoes(relayed.get(), "still relayed"));
  EXPECT_TRUE(echoes(inbound.get(), "still relayed"));
  inbound.close();
  relayed.close();
  EXPECT_TRUE(eventually([&] { return !client.showCapture()->applied; }));
  EXPECT_EQ(shell("nft list ruleset"), "");

  ASSERT_TRUE(client.applyCapture(both()));
  relayed = dial("127.0.0.1:8080");
  ASSERT_NE(readLine(relayed.get()), "");
  removal = client.removeCapture(true);
  ASSERT_TRUE(removal);
  EXPECT_TRUE(removal->removed);
  EXPECT_EQ(removal->relayed, 1u);
  EXPECT_EQ(shell("nft list ruleset"), "");
}

TEST_F(RelayTest, WhatIsExcludedGoesDirect) {
  Child one = startServer(8080);
  Child two = startServer(8081);
  GuardProcess guard({"--outbound", "--inbound", "all", "--exclude-port", "8081", "--exclude-address", "127.0.0.2/32",
                      "--exclude-address", "10.77.0.2", "--exclude-user", "12345"});
  TinyProxy proxy(guard.socket());
  const auto direct = [&](const char* to) {
    const Descriptor client = dial(to);
    return readLine(client.get()) == localName(client.get());
  };
  EXPECT_TRUE(direct("127.0.0.1:8081"));
  EXPECT_TRUE(direct("127.0.0.2:8080"));
  EXPECT_EQ(proxy.outbound(), 0);
  far_.within([&] { EXPECT_TRUE(direct("10.77.0.1:8080")); });
  EXPECT_EQ(proxy.inbound(), 0);
  Child excluded = Child::run([&] { return ::setuid(12345) == 0 && direct("127.0.0.1:8080") ? 0 : 1; });
  EXPECT_EQ(excluded.wait(milliseconds(5000)), 0);
  EXPECT_EQ(proxy.outbound(), 0);
  EXPECT_FALSE(direct("127.0.0.1:8080"));
  EXPECT_EQ(proxy.outbound(), 1);
}

TEST_F(RelayTest, ABypassedDestinationMeetsTheRealAnswer) {
  Child server = startServer(8080);
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  GuardClient client = guard.client();
  for (const char* to : {"127.0.0.1:8080", "[::1]:8080"}) {
    ASSERT_TRUE(client.bypass(*SocketAddress::parse(to), 60));
    const Descriptor direct = dial(to);
    EXPECT_EQ(readLine(direct.get()), localName(direct.get()));
  }
  EXPECT_EQ(proxy.outbound(), 0);
  ASSERT_TRUE(client.bypass(*SocketAddress::parse("127.0.0.3:8080"), 1));
  ::usleep(1'200'000);
  const Descriptor captured = dial("127.0.0.3:8080");
  EXPECT_NE(readLine(captured.get()), "");
  EXPECT_EQ(proxy.outbound(), 1);
}

TEST_F(RelayTest, ForwardedTrafficIsNeverCaptured) {
  // A third host behind this one: what passes through on its way there must not be touched, even to a port that listens
  // here.
  Child behind;
  const Namespace third = thirdHost(8080, behind);
  far_.within([] { shell("ip route add 10.78.0.0/24 via 10.77.0.1"); });
  Child server = startServer(8080);
  GuardProcess guard({"--outbound", "--inbound", "all"});
  TinyProxy proxy(guard.socket());
  Descriptor client;
  far_.within([&] { client = dial("10.78.0.2:8080"); });
  ASSERT_TRUE(client);
  EXPECT_EQ(readLine(client.get()), localName(client.get()));
  EXPECT_EQ(proxy.inbound(), 0);
}

TEST_F(RelayTest, AProxyOfADedicatedUserWithoutPrivilegesIsNotCapturedByItsOwnRules) {
  Child server = startServer(8080);
  GuardProcess guard({"--outbound", "--inbound", "all", "--user", "54321"});
  TinyProxy proxy(guard.socket(), 1, 54321);
  ASSERT_EQ(proxy.error(), "");
  EXPECT_FALSE(proxy.transparent());
  const Descriptor client = dial("127.0.0.1:8080");
  EXPECT_NE(readLine(client.get()), "");
  EXPECT_EQ(proxy.outbound(), 1);
  EXPECT_NE(guard.client().showCapture()->whyNotTransparent.find("CAP_NET_RAW"), std::string::npos);
}

}  // namespace
}  // namespace loam::guard
