#include "shadow/graph/names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace loam::graph {
namespace {

constexpr Window kWindow{1000, 2000};

Claim claim(const std::string& source, const std::string& name, std::uint16_t port = 0, std::uint64_t seen = 1,
            std::int64_t first = 1000, std::int64_t last = 1500) {
  return {"", *IpAddress::parse("10.0.0.2"), 128, port, source, name, seen, first, last};
}

std::string serverName(const std::vector<Claim>& claims, const std::vector<Alias>& aliases = {}) {
  return Names(claims, aliases, kWindow).server("", *SocketAddress::parse("10.0.0.2:80")).name;
}

TEST(NamesTest, TakesTheMostBelievedSource) {
  std::vector<Claim> claims{
      claim("ptr", "ptr.example"),   claim("hosts", "hosts.example"),   claim("dns", "dns.example"),
      claim("grpc", "pkg.Shop", 80), claim("host", "host.example", 80), claim("sni", "sni.example", 80),
      claim("process", "proc", 80),  claim("catalogue", "Catalogue"),   claim("operator", "Operator")};
  while (!claims.empty()) {
    EXPECT_EQ(serverName(claims), claims.back().name);
    claims.pop_back();
  }
  EXPECT_EQ(serverName(claims), "10.0.0.2:80");
}

TEST(NamesTest, OrderOfClaimsDoesNotMatter) {
  std::vector<Claim> claims{claim("dns", "a.example", 0, 5), claim("dns", "b.example", 0, 5),
                            claim("dns", "c.example", 0, 9), claim("hosts", "d")};
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    std::shuffle(claims.begin(), claims.end(), random);
    const auto choice = Names(claims, {}, kWindow).server("", *SocketAddress::parse("10.0.0.2:80"));
    ASSERT_EQ(choice.name, "c.example");
    ASSERT_EQ(choice.claims.size(), 4u);
    ASSERT_EQ(choice.claims[1].name, "a.example");
    ASSERT_EQ(choice.claims[3].name, "d");
  }
}

TEST(NamesTest, AnAddressThatIsUsedAgainHasTheNameOfItsWindow) {
  EXPECT_EQ(serverName({claim("dns", "old.example", 0, 1000, 10, 20), claim("dns", "new.example", 0, 1, 1200, 1300)}),
            "new.example");
}

TEST(NamesTest, ClientControlledNamesStayOnTheirPort) {
  const Names names({claim("host", "host.example", 80), claim("sni", "sni.example", 443)}, {}, kWindow);
  EXPECT_EQ(names.server("", *SocketAddress::parse("10.0.0.2:80")).name, "host.example");
  EXPECT_EQ(names.server("", *SocketAddress::parse("10.0.0.2:443")).name, "sni.example");
  EXPECT_EQ(names.server("", *SocketAddress::parse("10.0.0.2:22")).name, "10.0.0.2:22");
  EXPECT_EQ(names.caller("", *IpAddress::parse("10.0.0.2"), 128, {}).name, "10.0.0.2");
}

TEST(NamesTest, ACallerIsNamedByItsProcess) {
  const Names names({claim("dns", "host.example")}, {}, kWindow);
  const auto caller = [&](const wire::Owner& owner) {
    return names.caller("", *IpAddress::parse("10.0.0.2"), 128, owner).name;
  };
  EXPECT_EQ(caller({"checkout.service", "python3", 1}), "checkout");
  EXPECT_EQ(caller({"pg@main.service", "postgres", 1}), "pg@main");
  EXPECT_EQ(caller({"session-3.scope", "psql", 1}), "psql");
  EXPECT_EQ(caller({"user@1000.service", "python3.11", 1}), "host.example");
  EXPECT_EQ(caller({"docker-0123abcd.scope", "java", 1}), "host.example");
  EXPECT_EQ(caller({"", "", 1}), "host.example");
}

TEST(NamesTest, NetworksNameWhatNothingNearerNames) {
  Claim network = claim("catalogue", "branch");
  network.address = *IpAddress::parse("10.0.0.0");
  network.prefix = 120;
  EXPECT_EQ(serverName({network}), "branch");
  EXPECT_EQ(serverName({network, claim("catalogue", "shop")}), "shop");
  network.address = *IpAddress::parse("10.0.1.0");
  EXPECT_EQ(serverName({network}), "10.0.0.2:80");
}

TEST(NamesTest, AliasesRenameAndKeepTheLoser) {
  const auto choice = Names({claim("dns", "db.example")}, {{"db.example", "Orders"}}, kWindow)
                          .server("", *SocketAddress::parse("10.0.0.2:80"));
  EXPECT_EQ(choice.name, "Orders");
  EXPECT_EQ(choice.source, "operator");
  ASSERT_EQ(choice.claims.size(), 2u);
  EXPECT_EQ(choice.claims[1].name, "db.example");
}

TEST(NamesTest, LoopbackOfTwoHostsIsTwoNodes) {
  Claim local = claim("process", "redis", 6379);
  local.scope = "web-1";
  local.address = *IpAddress::parse("127.0.0.1");
  const Names names({local}, {}, kWindow);
  EXPECT_EQ(names.server("web-1", *SocketAddress::parse("127.0.0.1:6379")).name, "redis");
  EXPECT_EQ(names.server("web-2", *SocketAddress::parse("127.0.0.1:6379")).name, "127.0.0.1:6379@web-2");
}

TEST(NamesTest, NetworksAndOtherHaveNamesOfTheirOwn) {
  const Names names({}, {}, kWindow);
  EXPECT_EQ(names.caller("", *IpAddress::parse("203.0.113.0"), 120, {}).name, "203.0.113.0/24");
  EXPECT_EQ(names.caller("", *IpAddress::parse("2001:db8:1:2::"), 64, {}).name, "2001:db8:1:2::/64");
  EXPECT_EQ(names.server("", SocketAddress()).name, "other");
}

TEST(NamesTest, E11_WhatCannotBeANameIsRefused) {
  EXPECT_EQ(normaliseName("host", "Shop.Example.:8080"), "shop.example");
  EXPECT_EQ(normaliseName("operator", " My Shop "), "My Shop");
  EXPECT_EQ(normaliseName("grpc", "pkg.Shop"), "pkg.Shop");
  EXPECT_EQ(normaliseName("operator", "caf\xc3\xa9"), "caf\xc3\xa9");
  for (const std::string& bad :
       {std::string(), std::string("a\nb"), std::string("a\x1b[2J"), std::string("a\0b", 3), std::string(129, 'a'),
        std::string("\xff\xfe"), std::string("\xc0\x80"),
        std::string("a\xe2\x80\xa8"
                    "b"),
        std::string("\xe2\x80\xae"
                    "gnp"),
        std::string("a b"), std::string("10.0.0.1"), std::string("10.0.0.1:80"), std::string("[::1]:80")}) {
    EXPECT_EQ(normaliseName("host", bad), std::nullopt) << bad;
  }
  EXPECT_EQ(normaliseName("ptr", "ip-10-0-0-7.ec2.internal"), std::nullopt);
  EXPECT_EQ(normaliseName("ptr", "db1.example"), "db1.example");
}

}  // namespace
}  // namespace loam::graph
