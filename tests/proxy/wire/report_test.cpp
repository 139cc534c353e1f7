#include "proxy/wire/report.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"

namespace loam::wire {
namespace {

Report example() {
  Report report{.proxy = "web-1",
                .role = "node",
                .epoch = 7,
                .sequence = 3,
                .from = 1000,
                .to = 6000,
                .edges = {},
                .names = {},
                .losses = {1, 2, 3, 4}};
  EdgeReport edge;
  edge.client = *IpAddress::parse("10.0.0.1");
  edge.owner = Owner{"checkout.service", "python3", 33};
  edge.destination = *SocketAddress::parse("[2001:db8::2]:5432");
  edge.vantage = "outbound";
  edge.protocol = "postgres";
  edge.tlsVersion = "TLSv1.3";
  Bucket bucket{.start = 1700000000, .counts = {}, .routes = {}};
  bucket.counts.connections = 2;
  bucket.counts.requests = 1u << 30;
  bucket.counts.latency.record(1234, 5);
  bucket.routes.push_back({"GET /users/{id}", bucket.counts});
  edge.buckets.push_back(bucket);
  report.edges.push_back(edge);
  report.names.push_back({*IpAddress::parse("10.0.0.2"), 5432, "dns", "db.example", 9});
  report.verdicts.push_back({.client = edge.client,
                             .destination = edge.destination,
                             .identity = "spiffe://loam/proxy/a",
                             .feature = "policy",
                             .rule = "default",
                             .enforced = true,
                             .start = 1700000000,
                             .count = 4});
  report.verdicts.push_back(report.verdicts.back());
  report.verdicts.back().identity.clear();
  report.verdicts.back().generation = 12;
  return report;
}

TEST(ReportTest, ComesBackAsItWas) {
  const auto decoded = decodeReport(encode(example()));
  ASSERT_TRUE(decoded) << decoded.error().describe();
  EXPECT_EQ(*decoded, example());
}

TEST(ReportTest, SecurityIdentityAndDenialsAreLeftOutWhereThereAreNone) {
  Report without = example();
  without.verdicts.clear();  // which tell of identities themselves
  const std::string plain = encode(without);
  for (const char* member : {"security", "identity", "denied"}) EXPECT_EQ(plain.find(member), std::string::npos);
  Report report = example();
  report.edges[0].security = "handshake_failed:unknown_ca";
  report.edges[0].identity = "spiffe://loam/proxy/node-a";
  report.edges[0].buckets[0].counts.denied = 3;
  const auto decoded = decodeReport(encode(report));
  ASSERT_TRUE(decoded) << decoded.error().describe();
  EXPECT_EQ(*decoded, report);
}

TEST(ReportTest, E13_ImpossibleValuesAreRefusedByName) {
  const auto broken = [](auto change) {
    auto value = *parseJson(encode(example()));
    change(value);
    const auto decoded = decodeReport(writeJson(value));
    return decoded ? std::string("accepted") : decoded.error().context;
  };
  EXPECT_EQ(broken([](Json::Value& v) { v["sequence"] = -1; }),
            "report.sequence: expected a whole number, not negative");
  EXPECT_EQ(broken([](Json::Value& v) { v["verdicts"] = 1; }), "report.verdicts: expected an array");
  EXPECT_EQ(broken([](Json::Value& v) { v["verdicts"][1].removeMember("rule"); }), "verdicts.rule: missing");
  EXPECT_EQ(broken([](Json::Value& v) { v["edges"] = 1; }), "report.edges: expected an array");
  EXPECT_EQ(broken([](Json::Value& v) { v["edges"][0].removeMember("vantage"); }), "edges.vantage: missing");
  EXPECT_NE(broken([](Json::Value& v) { v["edges"][0]["security"] = 7; }).find("edges.security: "), std::string::npos);
  EXPECT_EQ(broken([](Json::Value& v) { v["edges"][0]["identity"] = ""; }), "edges.identity: empty");
  EXPECT_NE(broken([](Json::Value& v) { v["edges"][0]["client"] = "nowhere"; }).find("not an IP address"),
            std::string::npos);
  EXPECT_NE(broken([](Json::Value& v) { v["edges"][0]["buckets"][0]["start"] = 3; }).find("multiple"),
            std::string::npos);
  EXPECT_NE(broken([](Json::Value& v) {
              v["edges"][0]["buckets"][0]["counts"]["latency"][0][0] = 100000;
            }).find("no such bucket"),
            std::string::npos);
  EXPECT_NE(broken([](Json::Value& v) { v["edges"][0]["buckets"][0]["counts"]["errors"] = -5; }).find("counts.errors"),
            std::string::npos);
}

TEST(ReportTest, E7_OversizedAndDeepDocumentsAreRefused) {
  EXPECT_FALSE(decodeReport(std::string(kMostReportBytes + 1, ' ')));
  EXPECT_FALSE(decodeReport(std::string(1000, '[')));
}

}  // namespace
}  // namespace loam::wire
