#include "proxy/guard/closed_endpoint.h"

#include <gtest/gtest.h>

#include "proxy/guard/closed_rules.h"

namespace loam::guard {
namespace {

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }
IpAddress ip(const char* text) { return *IpAddress::parse(text); }
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ClosedEndpointTest, WaysAreSortedOnceEachAndOfOneFamily) {
  const auto ways = closedWays({{at("10.0.0.5:80"), {ip("10.0.0.9"), ip("fd00::9"), ip("10.0.0.9")}},
                                {at("[fd00::5]:0"), {}},
                                {at("10.0.0.5:80"), {ip("10.0.0.8")}},
                                {at("10.0.0.6:80"), {ip("fd00::9")}}});
  ASSERT_TRUE(ways) << ways.error().context;
  std::string text;
  for (const ClosedWay& way : *ways) text.append(way.text()).append("\n");
  EXPECT_EQ(text, "10.0.0.5:80 from 10.0.0.8\n10.0.0.5:80 from 10.0.0.9\n[fd00::5]:0\n");
  EXPECT_EQ(endpointsOf(*ways), 2u);
  for (const ClosedWay& way : *ways) EXPECT_EQ(*ClosedWay::parse(way.text()), way);
}

TEST(ClosedEndpointTest, WhatNamesNoAddressOrIsTooMuchIsRefusedWithItsName) {
  EXPECT_EQ(closedWays({{at("0.0.0.0:80"), {}}}).error().context, "closed endpoint 0.0.0.0:80 names no address");
  EXPECT_FALSE(closedWays({{at("[::]:80"), {}}}));
  EXPECT_EQ(closedWays({{at("10.0.0.5:80"), {ip("0.0.0.0")}}}).error().context,
            "a source of closed 10.0.0.5:80 is no address");
  EXPECT_FALSE(check({{at("10.0.0.5:80"), ip("fd00::1")}}));
  std::vector<ClosedEndpoint> many;
  for (unsigned port = 1; port <= kMostClosedWays; ++port)
    many.push_back({{ip("10.0.0.5"), static_cast<std::uint16_t>(port)}, {}});
  EXPECT_TRUE(closedWays(many));
  many.push_back({at("10.0.0.6:80"), {}});
  EXPECT_EQ(closedWays(many).error().context, "more than 4096 endpoints and sources are to be closed");
}

TEST(ClosedEndpointTest, RulesLetPassWhatIsLocalOpenOrForLoamItself) {
  const std::string text = ruleset::close({{at("10.0.0.5:80"), {}}, {at("10.0.0.6:0"), ip("10.0.0.9")}}, Footprint{});
  const std::size_t first = text.find("reject with tcp reset");
  for (const char* exception :
       {"closed_input tcp flags & (fin|syn|rst|ack) != syn return", "closed_input iifname \"lo\" return",
        "closed_input fib saddr type local return", "closed_input tcp dport { 7410, 7411, 7412 } return",
        "closed_forward ct status & dnat != dnat return"}) {
    EXPECT_LT(text.find(exception), first) << exception;
  }
  EXPECT_TRUE(has(text, "add element inet loam closed4 { 10.0.0.5 . 80 }"));
  EXPECT_TRUE(has(text, "add element inet loam closed_hosts_from4 { 10.0.0.9 . 10.0.0.6 }"));
  EXPECT_FALSE(has(text, "timeout"));
}

TEST(ClosedEndpointTest, WithoutEndpointsNothingOfItIsLeft) {
  const std::string text = ruleset::close({}, Footprint{});
  EXPECT_FALSE(has(text, "add rule"));
  for (const char* gone : {"delete chain inet loam closed_input", "delete chain inet loam closed_forward",
                           "delete set inet loam closed4", "delete set inet loam closed_hosts_from6"}) {
    EXPECT_TRUE(has(text, gone)) << gone;
  }
}

}  // namespace
}  // namespace loam::guard
