#include "proxy/filters/match.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

template <class T>
bool reads(const Word<T>& word, std::string_view text) {
  const auto value = word.parse(text);
  return value.has_value() && word.parse(word.write(*value)) == value;
}

TEST(MatchTest, PatternsAreTextsWithAFewStars) {
  for (const char* good :
       {"v2", "*", "**", "v2*", "*.example", "a*b**c", R"(a\*b)", R"(\\)", "*a*a*a*a*a*a*a*a", " "}) {
    EXPECT_TRUE(reads(pattern(), good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("***"), std::string("a\\"), std::string(R"(a\b)"), std::string("a\nb"),
        std::string("*a*a*a*a*a*a*a*a*a"), std::string(1025, 'a'), std::string("a\0", 2)}) {
    EXPECT_FALSE(reads(pattern(), bad)) << bad;
  }
}

TEST(MatchTest, PathPatternsStartWithASlashOrAStar) {
  for (const char* good : {"/", "/health", "/api/**", "/users/*/cart", "**/private", "*"})
    EXPECT_TRUE(reads(pathPattern(), good)) << good;
  for (const char* bad : {"", "health", "api/**", "\\*", "http://x/"}) EXPECT_FALSE(reads(pathPattern(), bad)) << bad;
}

TEST(MatchTest, HostPatternsAreHeldInLowerCase) {
  EXPECT_EQ(hostPattern().parse("*.Shop.Example")->text, "*.shop.example");
  EXPECT_FALSE(hostPattern().parse("shop.example/x"));
  EXPECT_FALSE(hostPattern().parse("shop example"));
}

TEST(MatchTest, ASourceTellsByItselfWhatItIs) {
  const auto kindOf = [](std::string_view text) { return source().parse(text)->kind; };
  for (const char* service : {"web", "web-2", "nginx.service", "cafe", "web.10.0.0.1"}) {
    EXPECT_EQ(kindOf(service), Source::Kind::Service) << service;
  }
  for (const char* identity : {"spiffe://loam/proxy/web-1", "spiffe://loam/proxy/*", "spiffe://loam/proxy/web-*"}) {
    EXPECT_EQ(kindOf(identity), Source::Kind::Identity) << identity;
  }
  for (const char* network : {"10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"})
    EXPECT_EQ(kindOf(network), Source::Kind::Network) << network;
  EXPECT_EQ(kindOf("zone:eu-1"), Source::Kind::Zone);
  EXPECT_EQ(source().write(*source().parse("10.1.2.3")), "10.1.2.3/32");
  EXPECT_EQ(source().write(*source().parse("zone:eu-1")), "zone:eu-1");
}

TEST(MatchTest, ASlipInASourceDoesNotMakeItAService) {
  for (const char* bad :
       {"", "10.0.0.1/8", "10.0.0.300", "10.0.0", "fd00::1/64", "spiffe://", "spiffe://loam", "spiffe://loam/",
        "spiffe:///web", "spiffe://*/web", "spiffe://loam/*/web", "spiffe://loam/a b", "zone:", "web/api", " web"}) {
    EXPECT_FALSE(source().parse(bad)) << bad;
  }
}

TEST(MatchTest, KnowsWhetherAConnectionAloneTells) {
  EXPECT_TRUE(good<Match>("{}").fitsAll());
  for (const char* connection :
       {R"({"sources": ["web"]})", R"({"ports": [80]})", R"({"sources": ["web"], "ports": [80]})"}) {
    EXPECT_FALSE(good<Match>(connection).needsExchange()) << connection;
    EXPECT_FALSE(good<Match>(connection).fitsAll()) << connection;
  }
  for (const char* exchange :
       {R"({"methods": ["GET"]})", R"({"paths": ["/a"]})", R"({"hosts": ["a"]})", R"({"headers": {"a": "b"}})",
        R"({"cookies": {"a": "b"}})", R"({"query": {"a": "b"}})", R"({"user_agents": ["*curl*"]})"}) {
    EXPECT_TRUE(good<Match>(exchange).needsExchange()) << exchange;
    EXPECT_FALSE(good<Match>(exchange).fitsAll()) << exchange;
    expectWritesWhatItReads<Match>("{}");
  }
}

TEST(MatchTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<Match>({
      {R"({"path": ["/a"]})", {{"/path", "did you mean paths?"}}},
      {R"({"sources": []})", {{"/sources", "at least one"}}},
      {R"({"sources": ["web", "10.0.0.1/8"]})", {{"/sources/1", "a service, a SPIFFE id, a network or zone:NAME"}}},
      {R"({"sources": ["10.0.0.1", "10.0.0.1/32"]})", {{"/sources/1", "a second time"}}},
      {R"({"ports": [0]})", {{"/ports/0", "from 1 to 65535"}}},
      {R"({"paths": ["api"]})", {{"/paths/0", "a path pattern"}}},
      {R"({"headers": {"x canary": "1"}})", {{"/headers/x canary", "a header name"}}},
      {R"({"headers": {"X-A": "1", "x-a": "2"}})", {{"/headers/x-a", "a second time"}}},
      {R"({"headers": {"x-a": ""}})", {{"/headers/x-a", "a pattern"}}},
      {R"({"headers": {}})", {{"/headers", "at least one"}}},
  });
}

}  // namespace
}  // namespace loam::filters
