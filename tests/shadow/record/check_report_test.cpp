#include <gtest/gtest.h>

#include <functional>

#include "proxy/relay/security.h"
#include "shadow/record/recorder.h"

namespace loam::record {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

wire::Report example() {
  wire::Report report;
  report.proxy = "web-1";
  report.role = "node";
  report.epoch = 7;
  report.sequence = 3;
  report.from = (kNow - 2) * 1000;
  report.to = kNow * 1000;
  wire::EdgeReport edge;
  edge.client = *IpAddress::parse("10.0.0.1");
  edge.destination = *SocketAddress::parse("10.0.0.2:80");
  edge.vantage = "outbound";
  edge.protocol = "http1";
  edge.owner = wire::Owner{"checkout.service", "python3", 33};
  edge.buckets.push_back({kNow - 10, {}, {{"GET /users/{id}", {}}}});
  report.edges.push_back(edge);
  report.names.push_back({edge.destination.ip, 80, "dns", "shop.example", 1});
  report.verdicts.push_back(
      {edge.client, edge.destination, "spiffe://loam/proxy/a", "policy", "default", true, kNow, 4});
  return report;
}

TEST(CheckReportTest, AcceptsWhatAProxySends) {
  const Status status = checkReport(example(), kNow);
  EXPECT_TRUE(status) << status.error().describe();
}

TEST(CheckReportTest, D8_AClockThatIsADayAheadIsTaken) {
  wire::Report report = example();
  report.from += 86'400'000;
  report.to += 86'400'999;
  report.edges[0].buckets[0].start += 86'400;
  const Status status = checkReport(report, kNow);
  EXPECT_TRUE(status) << status.error().describe();
}

TEST(CheckReportTest, IdentitiesAreSpiffeIdsOrWhatStandsForMany) {
  const auto accepts = [](const std::string& identity) {
    wire::Report report = example();
    report.edges[0].security = "mutual";
    report.edges[0].identity = identity;
    const Status status = checkReport(report, kNow);
    const std::string why = status ? "identity" : status.error().context;
    EXPECT_NE(why.find("identity"), std::string::npos) << why;
    return status.has_value();
  };
  const std::string start = "spiffe://loam/proxy/";
  for (const std::string& good : {std::string(), start + "node-A_1.x", std::string("other"), start + "a/b",
                                  start + std::string(255 - start.size(), 'a')}) {
    EXPECT_TRUE(accepts(good)) << good;
  }
  for (const std::string& bad :
       {std::string("node-a"), std::string("spiffe://"), std::string("spiffe://loam"), std::string("spiffe://loam/"),
        std::string("spiffe:///proxy"), std::string("spiffe://LOAM/proxy/a"), start, start + "..", start + "a b",
        start + "a?b", start + "a\nb", start + "a/", start + "\xc3\xa4", std::string("https://loam/proxy/a"),
        start + std::string(256 - start.size(), 'a')}) {
    EXPECT_FALSE(accepts(bad)) << bad;
  }
}

TEST(CheckReportTest, EveryWordOfAProxyIsAccepted) {
  for (unsigned state = 0; state <= 13; ++state) {
    wire::Report report = example();
    report.edges[0].security = relay::text({static_cast<relay::Security::State>(state), 0});
    EXPECT_TRUE(checkReport(report, kNow)) << report.edges[0].security;
  }
  wire::Report report = example();
  report.edges[0].security = "handshake_failed:unknown_ca";
  EXPECT_TRUE(checkReport(report, kNow));
}

TEST(CheckReportTest, E13_ImpossibleReportsAreRefusedAndSayWhy) {
  struct Case {
    const char* says;
    std::function<void(wire::Report&)> change;
  };
  const Case cases[] = {
      {"proxy", [](wire::Report& r) { r.proxy.clear(); }},
      {"proxy", [](wire::Report& r) { r.proxy = "a\x1b[2J"; }},
      {"proxy", [](wire::Report& r) { r.proxy = std::string(129, 'a'); }},
      {"epoch", [](wire::Report& r) { r.epoch = 0; }},
      {"epoch", [](wire::Report& r) { r.epoch = ~0ULL; }},
      {"sequence", [](wire::Report& r) { r.sequence = 0; }},
      {"sequence", [](wire::Report& r) { r.sequence = ~0ULL; }},
      {"from, to", [](wire::Report& r) { r.from = r.to + 1; }},
      {"from, to", [](wire::Report& r) { r.from = 0; }},
      {"ahead", [](wire::Report& r) { r.to += 86'400'000 * 2; }},
      {"ahead", [](wire::Report& r) { r.edges[0].buckets[0].start += 86'400 * 2; }},
      {"multiple", [](wire::Report& r) { r.edges[0].buckets[0].start += 3; }},
      {"multiple", [](wire::Report& r) { r.edges[0].buckets[0].start = -10; }},
      {"vantage", [](wire::Report& r) { r.edges[0].vantage = "above"; }},
      {"protocol", [](wire::Report& r) { r.edges[0].protocol = "a b"; }},
      {"protocol", [](wire::Report& r) { r.edges[0].protocol.clear(); }},
      {"tls", [](wire::Report& r) { r.edges[0].tlsVersion = "\n"; }},
      {"owner", [](wire::Report& r) { r.edges[0].owner->exe = "a\nb"; }},
      {"security", [](wire::Report& r) { r.edges[0].security = "quantum"; }},
      {"security", [](wire::Report& r) { r.edges[0].security = "mutual:bad_certificate"; }},
      {"security", [](wire::Report& r) { r.edges[0].security = "handshake_failed:42"; }},    // has a name
      {"security", [](wire::Report& r) { r.edges[0].identity = "spiffe://loam/proxy/a"; }},  // proved by no handshake
      {"counts", [](wire::Report& r) { r.edges[0].buckets[0].counts.denied = ~0ULL; }},
      {"counts", [](wire::Report& r) { r.edges[0].buckets[0].counts.requests = ~0ULL; }},
      {"counts", [](wire::Report& r) { r.edges[0].buckets[0].counts.latency.record(1, 1ULL << 60); }},
      {"route", [](wire::Report& r) { r.edges[0].buckets[0].routes[0].route = std::string(300, 'a'); }},
      {"route", [](wire::Report& r) { r.edges[0].buckets[0].routes[0].route = "\xff"; }},
      {"losses", [](wire::Report& r) { r.losses.records = ~0ULL; }},
      {"source", [](wire::Report& r) { r.names[0].source = "operator"; }},  // not a proxy's to say
      {"verdict: feature", [](wire::Report& r) { r.verdicts[0].feature = "a b"; }},
      {"verdict: rule", [](wire::Report& r) { r.verdicts[0].rule = "a\nb"; }},
      {"verdict: rule", [](wire::Report& r) { r.verdicts[0].rule.clear(); }},
      {"verdict: identity", [](wire::Report& r) { r.verdicts[0].identity = std::string(3000, 'a'); }},
      {"verdict: start", [](wire::Report& r) { r.verdicts[0].start += 3; }},
      {"verdict: start", [](wire::Report& r) { r.verdicts[0].start += 86'400 * 2; }},
      {"verdict: count", [](wire::Report& r) { r.verdicts[0].count = 0; }},
      {"verdict: count", [](wire::Report& r) { r.verdicts[0].count = ~0ULL; }},
      {"often", [](wire::Report& r) { r.names[0].seen = ~0ULL; }},
  };
  for (const Case& one : cases) {
    wire::Report report = example();
    one.change(report);
    const Status status = checkReport(report, kNow);
    ASSERT_FALSE(status) << one.says;
    EXPECT_EQ(status.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(status.error().context.find(one.says), std::string::npos) << status.error().context;
    EXPECT_EQ(status.error().context.find('\x1b'), std::string::npos);
  }
}

}  // namespace
}  // namespace loam::record
