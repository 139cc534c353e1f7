#include "proxy/guard/capture.h"

#include <unistd.h>

#include "proxy/guard/ruleset.h"
#include "tests/proxy/guard/host.h"

namespace loam::guard {
namespace {

constexpr const char* kDocker = R"(
table ip nat {
  chain DOCKER { iifname "docker0" counter return ; tcp dport 8080 counter dnat to 172.17.0.2:80 ; }
  chain PREROUTING { type nat hook prerouting priority dstnat ; policy accept ; fib daddr type local counter jump DOCKER ; }
  chain OUTPUT { type nat hook output priority -100 ; policy accept ; ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER ; }
  chain POSTROUTING { type nat hook postrouting priority srcnat ; policy accept ; ip saddr 172.17.0.0/16 oifname != "docker0" counter masquerade ; }
}
table ip filter {
  chain FORWARD { type filter hook forward priority filter ; policy drop ; }
}
)";
constexpr const char* kFirewalld = R"(
table inet firewalld {
  chain filter_INPUT { type filter hook input priority filter + 10 ; policy accept ; ct state { established, related } accept ; iifname "lo" accept ; tcp dport 8000-9000 accept ; }
  chain nat_PREROUTING { type nat hook prerouting priority dstnat + 10 ; policy accept ; }
  chain mangle_PREROUTING { type filter hook prerouting priority mangle + 10 ; policy accept ; meta nfproto ipv6 fib saddr . mark . iif oif missing drop ; }
}
)";

class CaptureTest : public HostTest {
 protected:
  static Capture capture(const Footprint& footprint = {}) { return Capture(std::move(*Nft::open()), footprint); }
  static CaptureSettings both() {
    CaptureSettings settings;
    settings.outbound = settings.inbound = true;
    return settings;
  }
  static void foreign(const std::string& rules) {
    const Status added = Nft::open()->run(rules);
    ASSERT_TRUE(added) << added.error().context;
  }
};

TEST_F(CaptureTest, ApplyingReplacingAndRemovingLeavesTheHostAsItWas) {
  const std::string before = hostState();
  Capture capture = this->capture();
  ASSERT_TRUE(capture.apply(both()));
  EXPECT_NE(hostState(), before);
  ASSERT_TRUE(capture.renew(3));
  CaptureSettings other = both();
  other.excludePorts = {22};
  other.notrackOwn = true;
  other.dnsAnswers = false;
  ASSERT_TRUE(capture.apply(other));
  ASSERT_TRUE(capture.bypass(*SocketAddress::parse("10.0.0.1:80"), 60));
  ASSERT_TRUE(capture.bypass(*SocketAddress::parse("[fd00::1]:80"), 60));
  ASSERT_TRUE(capture.remove());
  EXPECT_EQ(hostState(), before);
}

TEST_F(CaptureTest, OthersTablesStayByteIdenticalBesideIt) {
  foreign(kDocker);
  foreign(kFirewalld);
  const auto others = [] {
    return shell("nft list table ip nat; nft list table ip filter; nft list table inet firewalld");
  };
  const std::string before = hostState();
  const std::string theirs = others();
  Capture capture = this->capture();
  ASSERT_TRUE(capture.apply(both()));
  EXPECT_EQ(others(), theirs);
  ASSERT_TRUE(capture.apply(CaptureSettings{}));
  ASSERT_TRUE(capture.renew(3));
  EXPECT_EQ(others(), theirs);
  ASSERT_TRUE(capture.remove());
  EXPECT_EQ(hostState(), before);
}

TEST_F(CaptureTest, ApplyingTwiceIsApplyingOnceAndKeepsTheDeadManAndBypasses) {
  Capture capture = this->capture();
  ASSERT_TRUE(capture.apply(both()));
  ASSERT_TRUE(capture.renew(100));
  ASSERT_TRUE(capture.bypass(*SocketAddress::parse("10.0.0.1:80"), 60));
  const std::string once = *capture.rules();
  ASSERT_TRUE(capture.apply(both()));
  EXPECT_EQ(*capture.rules(), once);
  const std::string sets = shell("nft list table inet loam");
  EXPECT_NE(sets.find("tcp timeout"), std::string::npos) << sets;
  EXPECT_NE(sets.find("10.0.0.1 . 80 timeout"), std::string::npos) << sets;
}

TEST_F(CaptureTest, RenewingRefreshesTheKernelsTimer) {
  Capture capture = this->capture();
  ASSERT_TRUE(capture.apply(both()));
  ASSERT_TRUE(capture.renew(2));
  ::usleep(1'500'000);
  ASSERT_TRUE(capture.renew(2));
  ::usleep(1'000'000);
  EXPECT_NE(shell("nft list set inet loam alive").find("expires"), std::string::npos);
  ASSERT_TRUE(capture.revoke());
  EXPECT_EQ(shell("nft list set inet loam alive").find("expires"), std::string::npos);
}

TEST_F(CaptureTest, RemovingWhatIsNotThereIsFine) {
  const std::string before = hostState();
  Capture capture = this->capture();
  EXPECT_TRUE(capture.revoke());
  EXPECT_TRUE(capture.remove());
  EXPECT_EQ(hostState(), before);
}

TEST_F(CaptureTest, ARuleOrTableOfAnotherProgramIsNamedAndLeftAlone) {
  const Footprint own;
  for (const std::string& taken :
       {std::string("ip rule add fwmark 0x4c6f616e lookup 9"), std::string("ip -6 rule add pref 7411 lookup 9"),
        std::string("ip route add blackhole 192.0.2.0/24 table 7411")}) {
    shell(taken);
    const std::string before = hostState();
    Capture capture = this->capture();
    const Status refused = capture.apply(both());
    ASSERT_FALSE(refused) << taken;
    EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
    EXPECT_NE(refused.error().context.find("choose another"), std::string::npos) << refused.error().context;
    EXPECT_EQ(hostState(), before);
    std::string undo = taken;
    shell(undo.replace(undo.find(" add "), 5, " del "));
  }
  Footprint elsewhere;
  shell("ip rule add fwmark 0x4c6f616e lookup 9");
  elsewhere.transparentMark = 77;
  elsewhere.routeTable = 900;
  EXPECT_TRUE(this->capture(elsewhere).apply(both()));
}

TEST_F(CaptureTest, G14_AnApplyThatFailsHalfWayChangesNothing) {
  foreign(
      "add table inet loam\nadd chain inet loam outbound { type filter hook output priority 5 ; }\nadd rule inet loam "
      "outbound counter\n");
  const std::string before = hostState();
  Capture capture = this->capture();
  const Status refused = capture.apply(both());
  ASSERT_FALSE(refused);
  EXPECT_EQ(hostState(), before) << refused.error().context;
}

TEST_F(CaptureTest, G14_RulesThatOthersFlushComeBack) {
  Capture capture = this->capture();
  ASSERT_TRUE(capture.apply(both()));
  const std::string rules = *capture.rules();
  EXPECT_FALSE(*capture.refresh());
  shell("nft flush ruleset");
  EXPECT_TRUE(*capture.refresh());
  EXPECT_EQ(*capture.rules(), rules);
  shell("ip rule del pref 7411 && ip route flush table 7411");
  EXPECT_TRUE(*capture.refresh());
  EXPECT_NE(shell("ip rule").find("0x4c6f616e"), std::string::npos);
  EXPECT_NE(shell("ip route show table 7411").find("local default dev lo"), std::string::npos);
  shell("nft delete table inet loam");
  EXPECT_TRUE(capture.renew(3));
  EXPECT_FALSE(*capture.refresh());
}

TEST_F(CaptureTest, AGuardThatWasKilledIsTakenOverFrom) {
  const std::string before = hostState();
  {
    Capture killed = capture();
    ASSERT_TRUE(killed.apply(both()));
  }
  Capture next = capture();
  ASSERT_TRUE(next.apply(both()));
  ASSERT_TRUE(next.remove());
  EXPECT_EQ(hostState(), before);
}

TEST_F(CaptureTest, InboundFollowsListenersThatComeAndGo) {
  Capture capture = this->capture();
  Child first = startServer(8080);
  ASSERT_TRUE(capture.apply(both()));
  const auto ports = [] { return shell("nft list set inet loam inbound_ports"); };
  EXPECT_NE(ports().find("elements = { 8080 }"), std::string::npos) << ports();
  Child second = startServer(9090);
  EXPECT_FALSE(*capture.refresh());
  EXPECT_NE(ports().find("elements = { 8080, 9090 }"), std::string::npos) << ports();
  first.end();
  second.end();
  EXPECT_FALSE(*capture.refresh());
  EXPECT_EQ(ports().find("elements"), std::string::npos) << ports();
}

TEST_F(CaptureTest, TheKernelTakesEveryCombinationOfSettings) {
  auto nft = Nft::open();
  for (unsigned bits = 0; bits < 512; ++bits) {
    CaptureSettings settings;
    settings.outbound = bits & 1;
    settings.inbound = bits & 2;
    if (bits & 4) settings.includePorts = {80, 443};
    if (bits & 8) settings.excludePorts = {22};
    if (bits & 16) settings.includeAddresses = {*Cidr::parse("10.0.0.0/8"), *Cidr::parse("10.1.2.3")};
    if (bits & 32)
      settings.excludeAddresses = {*Cidr::parse("fd00::/8"), *Cidr::parse("0.0.0.0/0"), *Cidr::parse("::1")};
    if (bits & 64) settings.includeUsers = settings.excludeUsers = {33, 1000};
    settings.dnsAnswers = bits & 128;
    settings.notrackOwn = bits & 256;
    if (bits % 5 != 0 && bits > 64) continue;  // the rest is as good as a sample
    const Status taken = nft->run(ruleset::apply(settings, Footprint{}, {80, 443}));
    ASSERT_TRUE(taken) << bits << " " << taken.error().context;
  }
}

}  // namespace
}  // namespace loam::guard
