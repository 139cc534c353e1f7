#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/proxy/guard/host.h"
#include "tests/proxy/guard/tiny_proxy.h"

namespace loam::guard {
namespace {

/// Endpoints of a host that are closed to plaintext, and somebody elsewhere who tries.
class ClosedHostTest : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    strict_ = startServer(8080);
    other_ = startServer(8081);
  }
  static ClosedEndpoint at(const char* text, std::vector<IpAddress> sources = {}) {
    return {*SocketAddress::parse(text), std::move(sources)};
  }
  static std::vector<ClosedEndpoint> both() { return {at("10.77.0.1:8080"), at("[fd77::1]:8080")}; }
  bool reaches(const char* to) const {
    Descriptor client;
    far_.within([&] { client = dial(to); });
    return client && !readLine(client.get()).empty();
  }
  /// Refused, and at once: by a reset, not by silence.
  bool isClosed(const char* to) const {
    const auto start = std::chrono::steady_clock::now();
    Descriptor client;
    far_.within([&] { client = dial(to); });
    return !client && std::chrono::steady_clock::now() - start < milliseconds(500);
  }
  void expectClosed(const char* when) const {
    for (const char* to : {"10.77.0.1:8080", "[fd77::1]:8080"}) EXPECT_TRUE(isClosed(to)) << when << " " << to;
    for (const char* to : {"10.77.0.1:8081", "[fd77::1]:8081"}) EXPECT_TRUE(reaches(to)) << when << " " << to;
    for (const char* to : {"127.0.0.1:8080", "10.77.0.1:8080", "[fd77::1]:8080"}) {
      const Descriptor local = dial(to);
      EXPECT_NE(readLine(local.get()), "") << when << ", on the host itself " << to;
    }
  }

  Child strict_;
  Child other_;
};

TEST_F(ClosedHostTest, ItIsRelayedWhileTheProxyLivesAndClosedWhoeverDies) {
  const std::string before = hostState();
  GuardProcess guard({"--inbound", "all"});
  {
    TinyProxy proxy(guard.socket());
    ASSERT_EQ(proxy.error(), "");
    // The proxy before said it: nobody else is attached at that moment.
    proxy.process().end();
    ASSERT_TRUE(eventually([&] { return guard.client().showCapture()->proxyPid == 0; }));
    ASSERT_TRUE(*guard.client().keepClosed(both()));
  }
  expectClosed("the proxy is dead");
  TinyProxy proxy(guard.socket());
  ASSERT_EQ(proxy.error(), "");
  EXPECT_TRUE(proxy.transparent());
  EXPECT_TRUE(reaches("10.77.0.1:8080")) << "the redirect stands before it, the proxy's own dial passes";
  EXPECT_TRUE(reaches("[fd77::1]:8080"));
  EXPECT_EQ(proxy.inbound(), 2);
  EXPECT_EQ(guard.client().keepClosed({}).error().code, ErrorCode::Conflict) << "the attached proxy alone says it";
  guard.kill();
  EXPECT_TRUE(eventually([&] { return isClosed("10.77.0.1:8080"); }, milliseconds(5000)));
  expectClosed("the guard is dead");
  proxy.process().end();
  expectClosed("both are dead");
  guard.start();
  EXPECT_EQ(guard.client().showCapture()->closed.size(), 2u);
  expectClosed("the guard is back");
  guard.process().signal(SIGTERM);
  ASSERT_EQ(guard.process().wait(milliseconds(5000)), 0);
  expectClosed("the guard was told to end");
  shell("nft flush ruleset");
  guard.start();
  expectClosed("the host has lost its rules, and the guard finds its file");
  const auto removal = guard.client().removeCapture(false);
  ASSERT_TRUE(removal) << removal.error().context;
  EXPECT_EQ(removal->opened, 2u);
  EXPECT_TRUE(reaches("10.77.0.1:8080"));
  EXPECT_EQ(hostState(), before);
}

TEST_F(ClosedHostTest, ApplyingReplacingAndFlushingKeepThem) {
  GuardProcess guard;
  ASSERT_TRUE(*guard.client().keepClosed(both()));
  expectClosed("no capture is applied");
  CaptureSettings settings;
  settings.inbound = true;
  const auto text = guard.client().applyCapture(settings);
  ASSERT_TRUE(text) << text.error().context;
  EXPECT_NE(text->find("add element inet loam closed4 { 10.77.0.1 . 8080 }"), std::string::npos) << "one transaction";
  expectClosed("applied");
  settings.excludePorts = {22};
  ASSERT_TRUE(guard.client().applyCapture(settings));
  expectClosed("replaced");
  shell("nft flush ruleset");
  EXPECT_TRUE(eventually([&] { return isClosed("10.77.0.1:8080"); }));
  EXPECT_NE(guard.client().showCapture()->rules.find("chain outbound"), std::string::npos);
  ASSERT_TRUE(*guard.client().keepClosed({}));
  EXPECT_TRUE(reaches("10.77.0.1:8080"));
  EXPECT_EQ(guard.client().showCapture()->rules.find("closed"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(guard.stateFile()));
}

TEST_F(ClosedHostTest, WhatTheOperatorOpenedStaysOpenUntilCaptureIsAppliedAgain) {
  const std::string before = hostState();
  GuardProcess guard({"--inbound", "all"});
  ASSERT_TRUE(*guard.client().keepClosed(both()));
  ASSERT_TRUE(guard.client().removeCapture(true));
  EXPECT_FALSE(*guard.client().keepClosed({at("10.77.0.1:8080")}));
  EXPECT_TRUE(reaches("10.77.0.1:8080"));
  EXPECT_EQ(hostState(), before);
  CaptureSettings settings;
  settings.inbound = true;
  ASSERT_TRUE(guard.client().applyCapture(settings));
  EXPECT_TRUE(isClosed("10.77.0.1:8080"));
  EXPECT_TRUE(reaches("[fd77::1]:8080"));
}

TEST_F(ClosedHostTest, ABypassDoesNotOpenIt) {
  GuardProcess guard({"--inbound", "all"});
  ASSERT_TRUE(*guard.client().keepClosed(both()));
  TinyProxy proxy(guard.socket());
  ASSERT_TRUE(guard.client().bypass(*SocketAddress::parse("10.77.0.1:8080"), 60));
  EXPECT_TRUE(isClosed("10.77.0.1:8080"));
  EXPECT_TRUE(reaches("[fd77::1]:8080"));
}

TEST_F(ClosedHostTest, SourcesWholeAddressesAndThePortForProxiesAreToldApart) {
  Child peers = startServer(7412);
  far_.within([] { shell("ip addr add 10.77.0.3/24 dev far"); });
  GuardProcess guard;
  ASSERT_TRUE(*guard.client().keepClosed({at("10.77.0.1:8080", {*IpAddress::parse("10.77.0.3")}), at("[fd77::1]:0")}));
  EXPECT_TRUE(reaches("10.77.0.1:8080"));
  Descriptor named;
  far_.within([&] { named = dial("10.77.0.1:8080", milliseconds(2000), "10.77.0.3"); });
  EXPECT_FALSE(named);
  EXPECT_TRUE(isClosed("[fd77::1]:8081"));
  EXPECT_TRUE(reaches("[fd77::1]:7412"));
}

TEST_F(ClosedHostTest, ConnectionsThatAreOpenGoOn) {
  Descriptor old;
  far_.within([&] { old = dial("10.77.0.1:8080"); });
  ASSERT_NE(readLine(old.get()), "");
  GuardProcess guard;
  ASSERT_TRUE(*guard.client().keepClosed(both()));
  EXPECT_TRUE(echoes(old.get(), "still here"));
  EXPECT_TRUE(isClosed("10.77.0.1:8080"));
}

TEST_F(ClosedHostTest, APortThatAnotherProgramsNatLeadsElsewhereIsClosedToo) {
  // As Docker publishes a container's port, and as a host leads port 80 to one of its own.
  Child behind;
  const Namespace third = thirdHost(9000, behind);
  shell(
      "nft 'table ip nat { chain PREROUTING { type nat hook prerouting priority dstnat; fib daddr type local tcp "
      "dport 9090 dnat to 10.78.0.2:9000; fib daddr type local tcp dport 80 redirect to :8080; }; }'");
  ASSERT_TRUE(reaches("10.77.0.1:9090"));
  ASSERT_TRUE(reaches("10.77.0.1:80"));
  GuardProcess guard;
  ASSERT_TRUE(*guard.client().keepClosed({at("10.77.0.1:9090"), at("10.77.0.1:8080")}));
  EXPECT_TRUE(isClosed("10.77.0.1:9090"));
  EXPECT_TRUE(isClosed("10.77.0.1:80"));
  EXPECT_TRUE(reaches("10.77.0.1:8081"));
}

TEST_F(ClosedHostTest, AsManyAsThereMayBeAreTakenAndOneMoreIsRefused) {
  GuardProcess guard;
  std::vector<ClosedEndpoint> many;
  for (unsigned i = 0; i < kMostClosedWays; ++i)
    many.push_back({{*IpAddress::parse("10.77.0.1"), static_cast<std::uint16_t>(i + 8080)}, {}});
  const auto held = guard.client().keepClosed(many);
  ASSERT_TRUE(held) << held.error().context;
  EXPECT_EQ(guard.client().showCapture()->closed.size(), kMostClosedWays);
  EXPECT_TRUE(isClosed("10.77.0.1:8081"));
  many.push_back(at("10.77.0.1:80"));
  EXPECT_EQ(guard.client().keepClosed(many).error().code, ErrorCode::InvalidArgument);
}

TEST_F(ClosedHostTest, ADamagedFileIsSetAsideAndTheKernelsRulesStay) {
  GuardProcess guard;
  ASSERT_TRUE(*guard.client().keepClosed(both()));
  guard.kill();
  std::ofstream(guard.stateFile()) << "nonsense";
  guard.start();
  expectClosed("the file says nothing");
  EXPECT_TRUE(std::filesystem::exists(guard.stateFile() + ".damaged"));
  ASSERT_TRUE(*guard.client().keepClosed({}));
  EXPECT_EQ(shell("nft list ruleset"), "");
}

}  // namespace
}  // namespace loam::guard
