#include "proxy/guard/ruleset.h"

#include <gtest/gtest.h>

#include <sstream>

namespace loam::guard {
namespace {

std::vector<std::string> redirects(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.find("redirect to") != std::string::npos) lines.push_back(line);
  }
  return lines;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

CaptureSettings both() {
  CaptureSettings settings;
  settings.outbound = settings.inbound = true;
  return settings;
}

TEST(RulesetTest, EveryRedirectNeedsTheOpeningSegmentTheDeadManAndNoBypass) {
  const auto lines = redirects(ruleset::apply(both(), Footprint{}, {80}));
  ASSERT_EQ(lines.size(), 4u);
  for (const std::string& line : lines) {
    EXPECT_TRUE(has(line, "tcp flags & (fin|syn|rst|ack) == syn")) << line;
    EXPECT_TRUE(has(line, "meta l4proto @alive")) << line;
    EXPECT_TRUE(has(line, "!= @bypass4") || has(line, "!= @bypass6")) << line;
  }
}

TEST(RulesetTest, NothingIsRedirectedUnlessAsked) {
  EXPECT_TRUE(redirects(ruleset::apply({}, Footprint{}, {80})).empty());
}

TEST(RulesetTest, InboundTakesOnlyLocalDestinations) {
  const std::string text = ruleset::apply(both(), Footprint{}, {80});
  EXPECT_LT(text.find("inbound fib daddr type != local return"), text.find("redirect to :7411"));
}

TEST(RulesetTest, OwnTrafficIsToldByMarksAndByADedicatedUserButNeverByRoot) {
  Footprint footprint;
  EXPECT_FALSE(has(ruleset::apply(both(), footprint, {}), "skuid"));
  EXPECT_TRUE(has(ruleset::apply(both(), footprint, {}), "meta mark { 1282367853, 1282367854 } return"));
  footprint.proxyUser = 991;
  EXPECT_TRUE(has(ruleset::apply(both(), footprint, {}), "outbound meta skuid 991 return"));
}

TEST(RulesetTest, FiltersStandBeforeTheRedirect) {
  CaptureSettings settings = both();
  settings.includePorts = {80, 443};
  settings.excludePorts = {22};
  settings.includeAddresses = {*Cidr::parse("10.0.0.0/8")};
  settings.excludeAddresses = {*Cidr::parse("10.9.0.0/16"), *Cidr::parse("fd00::/8")};
  settings.includeUsers = {1000};
  settings.excludeUsers = {33};
  const std::string text = ruleset::apply(settings, Footprint{}, {80});
  const std::size_t redirect = text.find("redirect to :7410");
  for (const char* rule : {"outbound tcp dport != { 80, 443 } return", "outbound tcp dport { 22 } return",
                           "outbound ip daddr != { 10.0.0.0/8 } return", "outbound meta nfproto ipv6 return",
                           "outbound ip daddr { 10.9.0.0/16 } return", "outbound ip6 daddr { fd00::/8 } return",
                           "outbound meta skuid != { 1000 } return", "outbound meta skuid { 33 } return"}) {
    EXPECT_LT(text.find(rule), redirect) << rule;
  }
  EXPECT_TRUE(has(text, "inbound ip saddr { 10.9.0.0/16 } return"));
}

TEST(RulesetTest, InboundPortsAreThoseThatListenAndAreWanted) {
  CaptureSettings settings = both();
  EXPECT_EQ(ruleset::inboundPorts(settings, Footprint{}, {443, 80, 7411, 80, 7410}),
            (std::vector<std::uint16_t>{80, 443}));
  settings.excludePorts = {443};
  EXPECT_EQ(ruleset::inboundPorts(settings, Footprint{}, {443, 80}), std::vector<std::uint16_t>{80});
  settings.inboundPorts = {443, 8080};
  EXPECT_TRUE(ruleset::inboundPorts(settings, Footprint{}, {443, 80}).empty());
  settings.inbound = false;
  EXPECT_TRUE(ruleset::inboundPorts(settings, Footprint{}, {8080}).empty());
}

TEST(RulesetTest, RenewingFlushesFirstBecauseAddingDoesNotRefresh) {
  EXPECT_EQ(ruleset::renew(3), "flush set inet loam alive\nadd element inet loam alive { tcp timeout 3s }\n");
}

TEST(RulesetTest, OnlyItsOwnTableIsTouched) {
  CaptureSettings settings = both();
  settings.notrackOwn = true;
  std::istringstream in(ruleset::apply(settings, Footprint{}, {80}) + ruleset::renew(3) + ruleset::revoke() +
                        ruleset::remove() + ruleset::bypass(*SocketAddress::parse("[fd00::1]:80"), 5));
  for (std::string line; std::getline(in, line);) EXPECT_TRUE(has(line, " inet loam")) << line;
}

}  // namespace
}  // namespace loam::guard
