#include "proxy/filters/exchange_match.h"

#include "proxy/filters/exchange_share.h"
#include "proxy/filters/policy.h"
#include "tests/proxy/filters/exchange_fixture.h"

namespace loam::filters {
namespace {

class ExchangeMatchTest : public ExchangeFixture {
 protected:
  bool fitsGet(std::string_view match, std::string_view path, std::vector<http::HeaderField> headers = {}) {
    const auto rule =
        good<PolicySettings>(R"({"rules": [{"name": "r", "action": "deny", "match": )" + std::string(match) + "}]}");
    const filter::Exchange one = exchange("GET", path, std::move(headers));
    return fits(rule.rules.at(0).match, one);
  }
};

TEST_F(ExchangeMatchTest, EveryMemberHasToFit) {
  constexpr std::string_view kMatch = R"({"sources": ["web"], "methods": ["GET"], "paths": ["/a/**"]})";
  EXPECT_TRUE(fitsGet(kMatch, "/a/b?c"));
  EXPECT_FALSE(fitsGet(kMatch, "/b"));
  caller = "cron";
  EXPECT_FALSE(fitsGet(kMatch, "/a/b"));
}

TEST_F(ExchangeMatchTest, C1_PathsAreComparedInTheirOneForm) {
  constexpr std::string_view kAdmin = R"({"paths": ["/admin", "/admin/**"]})";
  for (const std::string_view path : {"/admin", "//admin", "/a/../admin", "/%61dmin", "/admin;v=1", "/./admin/x",
                                      "/admin?x", "http://shop/admin", "/x/%2e%2e/admin"}) {
    EXPECT_TRUE(fitsGet(kAdmin, path)) << path;
  }
  for (const std::string_view path : {"/Admin", "/administer", "/a?/admin", "/%2561dmin"})
    EXPECT_FALSE(fitsGet(kAdmin, path)) << path;
}

TEST_F(ExchangeMatchTest, HostsInLowerCaseAndWithoutPort) {
  constexpr std::string_view kHost = R"({"hosts": ["shop.example", "*.shop.example"]})";
  EXPECT_TRUE(fitsGet(kHost, "/", {{"Host", "Shop.Example:8080"}}));
  EXPECT_TRUE(fitsGet(kHost, "/", {{"Host", "a.shop.example."}}));
  EXPECT_FALSE(fitsGet(kHost, "/", {{"Host", "evilshop.example"}}));
  EXPECT_FALSE(fitsGet(kHost, "/"));
  EXPECT_TRUE(fitsGet(R"({"hosts": ["[fd00::1]"]})", "/", {{"Host", "[FD00::1]:80"}}));
}

TEST_F(ExchangeMatchTest, HeadersCookiesQueryAndAgents) {
  EXPECT_TRUE(fitsGet(R"({"headers": {"x-beta": "1"}})", "/", {{"X-Beta", "1"}}));
  EXPECT_FALSE(fitsGet(R"({"headers": {"x-beta": "*"}})", "/")) << "one that is absent is no empty one";
  EXPECT_TRUE(fitsGet(R"({"headers": {"x-beta": "*"}})", "/", {{"x-beta", ""}}));
  EXPECT_TRUE(fitsGet(R"({"cookies": {"group": "b*"}})", "/", {{"Cookie", "a=1; group=beta;x=2"}}));
  EXPECT_TRUE(fitsGet(R"({"cookies": {"group": "b"}})", "/", {{"cookie", "a=1"}, {"cookie", "group=b"}}));
  EXPECT_FALSE(fitsGet(R"({"cookies": {"group": "b"}})", "/", {{"cookie", "xgroup=b; groups=b"}}));
  EXPECT_TRUE(fitsGet(R"({"query": {"v": "2"}})", "/a?u=1&v=2"));
  EXPECT_TRUE(fitsGet(R"({"query": {"v": "*"}})", "/a?v"));
  EXPECT_FALSE(fitsGet(R"({"query": {"v": "*"}})", "/a?w=v=2"));
  EXPECT_TRUE(fitsGet(R"({"user_agents": ["curl/*"]})", "/", {{"User-Agent", "curl/7.88"}}));
  EXPECT_FALSE(fitsGet(R"({"user_agents": ["*"]})", "/"));
}

TEST_F(ExchangeMatchTest, AShareIsOfTracesAndGrowsByThem) {
  const auto among = [&](std::int32_t share) {
    int count = 0;
    for (int i = 0; i < 10'000; ++i) {
      std::string trace = std::to_string(i);
      trace.insert(0, 32 - trace.size(), '0');
      const std::string parent = "00-" + trace + "-00f067aa0ba902b7-01";
      const bool isIn = ExchangeShare{share, "salt"}.has(exchange("GET", "/", {{"traceparent", parent}}));
      dice += 12345;  // which is no matter where there is a trace
      EXPECT_EQ(isIn, (ExchangeShare{share, "salt"}.has(exchange("GET", "/", {{"traceparent", parent}}))));
      const bool isInMore = ExchangeShare{2 * share, "salt"}.has(exchange("GET", "/", {{"traceparent", parent}}));
      EXPECT_TRUE(isInMore || !isIn);
      count += isIn ? 1 : 0;
    }
    return count;
  };
  EXPECT_NEAR(among(10'000), 1'000, 100);
  EXPECT_EQ(among(0), 0);
  EXPECT_EQ(among(100'000), 10'000);
}

TEST_F(ExchangeMatchTest, WithoutATraceItIsDrawnAndEachFlagDrawsForItself) {
  int first = 0;
  int both = 0;
  for (int i = 0; i < 20'000; ++i) {
    dice = static_cast<std::uint32_t>(i) * 2654435761u;
    const filter::Exchange one = exchange("GET", "/");
    const bool isFirst = ExchangeShare{50'000, "a"}.has(one);
    first += isFirst ? 1 : 0;
    both += isFirst && ExchangeShare{50'000, "b"}.has(one) ? 1 : 0;
  }
  EXPECT_NEAR(first, 10'000, 400);
  EXPECT_NEAR(both, 5'000, 400);
}

}  // namespace
}  // namespace loam::filters
