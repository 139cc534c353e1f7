#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

class EdgeCommandTest : public CliFixture {
 protected:
  /// frontend calls checkout.shop: 6 connections by mutual TLS, 2 past it, 1 denied.
  void fillSecured() {
    auto mutual = report(1);
    mutual.edges[0].security = "mutual";
    mutual.edges[0].identity = "spiffe://loam/proxy/db-1";
    mutual.edges[0].buckets[0].counts.connections = 6;
    auto plain = report(2);
    plain.edges[0].security = "not_chosen";
    auto denied = report(3);
    denied.edges[0].buckets[0].counts = {};
    denied.edges[0].buckets[0].routes.clear();
    for (auto counter : {&wire::Counts::connections, &wire::Counts::failedConnections, &wire::Counts::denied})
      denied.edges[0].buckets[0].counts.*counter = 1;
    for (const wire::Report& one : {mutual, plain, denied})
      EXPECT_EQ(post("/v1/reports", wire::encode(one)).status, 200);
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

TEST_F(EdgeCommandTest, TheWideListSaysHowEdgesAreSecured) {
  fillSecured();
  const Ran wide = run({"edge", "list", "-o", "wide"});
  EXPECT_TRUE(has(wide.out, "SECURITY")) << wide.out;
  EXPECT_TRUE(has(wide.out, "DENIED")) << wide.out;
  EXPECT_TRUE(has(wide.out, "75.0% mutual, not_chosen")) << wide.out;
  EXPECT_FALSE(has(run({"edge", "list"}).out, "SECURITY"));
  EXPECT_TRUE(has(run({"edge", "list", "-o", "json"}).out, "\"mutual_share\""));
}

TEST_F(EdgeCommandTest, DescribeSaysWhyAnEdgeIsNotMutual) {
  fillSecured();
  const Ran ran = run({"edge", "describe", "frontend", "checkout.shop"});
  EXPECT_EQ(ran.status, kOk) << ran.err;
  for (const char* part :
       {"frontend -> checkout.shop http1/80\n", "seen by      outbound (web-1)\n", "20 exchanges, errors 10.0%",
        "9 (1 failed, of them 1 denied; 0 reset)", "its own TLS  none\n",
        "security     partial, 6 mutual, 2 plaintext; mutual share 75.0%\n", "plaintext    last seen 20", "REASON",
        "not_chosen            2   100%", "spiffe://loam/proxy/db-1  callee            6", "GET /users/{id}"}) {
    EXPECT_TRUE(has(ran.out, part)) << part << "\n" << ran.out;
  }
}

TEST_F(EdgeCommandTest, DescribeSaysWhatFeaturesOfTheTargetRefuseOrWould) {
  fillSecured();
  EXPECT_FALSE(has(run({"edge", "describe", "frontend", "checkout.shop"}).out, "RULE"));
  auto told = report(4);
  told.edges.clear();
  for (const auto& [rule, enforced, port] :
       {std::tuple("bare_lf", false, 80), {"host", true, 80}, {"other-port", false, 81}}) {
    told.verdicts.push_back({.client = *IpAddress::parse("10.0.0.1"),
                             .destination = *SocketAddress::parse("10.0.0.2:" + std::to_string(port)),
                             .identity = {},
                             .feature = "serve",
                             .rule = rule,
                             .enforced = enforced,
                             .start = told.from / 10'000 * 10,
                             .count = 12345});
  }
  ASSERT_EQ(post("/v1/reports", wire::encode(told)).status, 200);
  const Ran ran = run({"edge", "describe", "frontend", "checkout.shop"});
  EXPECT_EQ(ran.status, kOk) << ran.err;
  for (const char* part : {"FEATURE", "RULE", "REFUSED", "bare_lf", "would be", "host", "yes", "12345"})
    EXPECT_TRUE(has(ran.out, part)) << part << "\n" << ran.out;
  EXPECT_FALSE(has(ran.out, "other-port")) << "it is another edge's";
  const auto document = parseJson(run({"edge", "describe", "frontend", "checkout.shop", "-o", "json"}).out);
  ASSERT_TRUE(document);
  EXPECT_EQ((*document)["edges"][0]["refusals"].size(), 2u);
}

TEST_F(EdgeCommandTest, DescribeTakesAddressesAndIdsToo) {
  fillSecured();
  const Ran ran = run({"edge", "describe", "10.0.0.1", "10.0.0.2:80", "-o", "json"});
  EXPECT_EQ(ran.status, kOk) << ran.err;
  const auto document = parseJson(ran.out);
  ASSERT_TRUE(document) << ran.out;
  ASSERT_EQ((*document)["edges"].size(), 1u);
  EXPECT_TRUE((*document)["header"].isObject());
  EXPECT_EQ((*document)["edges"][0]["security"]["reasons"][0]["state"].asString(), "not_chosen");
  EXPECT_EQ(run({"edge", "describe", "frontend", "checkout.shop", "-o", "name"}).out,
            "frontend -> checkout.shop http1/80\n");
}

TEST_F(EdgeCommandTest, WhereNobodyAskedItSaysSo) {
  fill();
  const Ran ran = run({"edge", "describe", "frontend", "10.0.0.3:5432"});
  EXPECT_EQ(ran.status, kOk) << ran.err;
  EXPECT_TRUE(has(ran.out, "security     nobody asked: mtls of the service is off\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "its own TLS  TLSv1.3\n")) << ran.out;
  EXPECT_FALSE(has(ran.out, "REASON")) << ran.out;
}

TEST_F(EdgeCommandTest, WhatIsNoEdgeIsNotFound) {
  fill();
  const Ran backwards = run({"edge", "describe", "checkout.shop", "frontend"});
  EXPECT_EQ(backwards.status, kNotFound);
  EXPECT_TRUE(has(backwards.err, "\"checkout.shop\" does not call \"frontend\" in this window")) << backwards.err;
  EXPECT_EQ(backwards.out, "");
  const Ran typo = run({"edge", "describe", "frontent", "checkout.shop"});
  EXPECT_EQ(typo.status, kNotFound);
  EXPECT_TRUE(has(typo.err, "did you mean frontend?")) << typo.err;
  EXPECT_EQ(run({"edge", "describe", "frontend"}).status, kUsage);
}

TEST_F(EdgeCommandTest, BothEndsAreCompleted) {
  fill();
  EXPECT_EQ(run({"__complete", "--", "edge", "describe", "fro"}).out, "frontend\n");
  EXPECT_EQ(run({"__complete", "--", "edge", "describe", "frontend", "che"}).out, "checkout.shop\n");
  EXPECT_EQ(run({"__complete", "--", "edge", ""}).out, "describe\nlist\n");
}

TEST_F(EdgeCommandTest, AnEdgeThatLostItsMutualTlsIsInTheDiff) {
  auto before = report(1);
  before.from -= 3'600'000;
  before.to -= 3'600'000;
  before.edges[0].buckets[0].start -= 3600;
  before.edges[0].security = "mutual";
  auto after = report(2);
  after.edges[0].security = "no_proxy";
  for (const wire::Report& one : {before, after}) EXPECT_EQ(post("/v1/reports", wire::encode(one)).status, 200);
  const Ran ran = run({"graph", "diff", "--before", "-90m..-30m", "--after", "-5m"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_TRUE(has(ran.out, "~ frontend -> checkout.shop http1/80  MUTUAL_LOST  mutual -> plaintext, no_proxy\n"))
      << ran.out;
}

}  // namespace
}  // namespace loam::cli
