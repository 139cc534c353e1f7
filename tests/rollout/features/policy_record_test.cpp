#include <random>

#include "proxy/base/json.h"
#include "proxy/filters/settings.h"
#include "rollout/features/policy_draft.h"
#include "rollout/features/policy_impact.h"
#include "shadow/record/recorder.h"
#include "tests/db/sample.h"

namespace loam::features {
namespace {

using db::kStart;

class FixedClock final : public Clock {
 public:
  Monotonic now() const override { return {}; }
  Wall wall() const override { return Wall(seconds(kStart + 7200)); }
};

constexpr graph::Window kFirst{kStart, kStart + 600};
constexpr graph::Window kSecond{kStart + 600, kStart + 1200};

/// A record of who called "db" (10.0.9.1, whatever the port), asked as the API asks it.
class PolicyRecordTest : public testing::Test {
 protected:
  void call(const std::string& client, std::uint16_t port, std::int64_t at, std::uint64_t connections,
            const std::string& name = "") {
    const std::int64_t bucket = at - at % 10;
    wire::Report report = db::reportOf(
        "node", ++sequence_, bucket,
        {db::edgeOf(client, "10.0.9.1:" + std::to_string(port), bucket, db::countsOf(connections, 0), "inbound")});
    report.names.push_back({*IpAddress::parse("10.0.9.1"), 0, "dns", "db", 1});
    if (!name.empty()) report.names.push_back({*IpAddress::parse(client), 0, "dns", name, 1});
    const auto counted = recorder.ingest(report);
    ASSERT_TRUE(counted) << counted.error().describe();
  }
  void deny(const std::string& client, std::uint16_t port, std::int64_t at, std::uint64_t count, bool enforced) {
    wire::Report report = db::reportOf("node", ++sequence_, at - at % 10, {});
    report.verdicts.push_back({.client = *IpAddress::parse(client),
                               .destination = *SocketAddress::parse("10.0.9.1:" + std::to_string(port)),
                               .identity = {},
                               .feature = "policy",
                               .rule = "default",
                               .enforced = enforced,
                               .start = at - at % 10,
                               .count = count});
    ASSERT_TRUE(recorder.ingest(report));
  }
  record::Calls callsIn(graph::Window window) const {
    auto calls = recorder.calls(window, "db");
    EXPECT_TRUE(calls) << calls.error().describe();
    return calls ? *calls : record::Calls();
  }
  static PolicyDraft draftOf(const record::Calls& calls) {
    auto draft = draftPolicy(calls);
    EXPECT_TRUE(draft) << draft.error().describe();
    return draft ? *draft : PolicyDraft();
  }
  static filters::PolicySettings settingsOf(const Json::Value& json) {
    std::vector<FieldProblem> problems;
    auto settings = filters::read<filters::PolicySettings>(json, problems);
    EXPECT_TRUE(problems.empty()) << text(problems);
    return settings;
  }

  db::TemporaryDirectory directory_;
  std::unique_ptr<record::GraphStore> store_ = db::openStore(directory_ / "graph.db");
  FixedClock clock_;
  record::Recorder recorder{*store_, clock_};
  std::uint64_t sequence_ = 0;
};

TEST_F(PolicyRecordTest, TheDraftIsDefaultDenyAndOneRuleForEachCaller) {
  call("10.0.0.1", 5432, kStart, 3, "Web~EU");
  call("10.0.0.2", 5432, kStart, 2, "Web~EU");
  call("10.0.0.1", 5433, kStart, 1);
  call("10.0.0.7", 5432, kStart + 20, 4);
  const PolicyDraft draft = draftOf(callsIn(kFirst));
  EXPECT_EQ(writeJson(draft.settings),
            R"({"default":"deny","rules":[{"action":"allow","match":{"ports":[5432],"sources":["10.0.0.7/32"]},)"
            R"("name":"10.0.0.7"},{"action":"allow","match":{"ports":[5432,5433],"sources":["web~eu"]},)"
            R"("name":"web-eu"}]})");
  EXPECT_EQ(draft.samples, 10u);
  EXPECT_EQ(draft.oldest, kStart);
  ASSERT_EQ(draft.rules.size(), 2u);
  EXPECT_EQ(draft.rules[1].clients, (std::set<std::string>{"10.0.0.1", "10.0.0.2"}));
  EXPECT_FALSE(draft.rules[1].proven);
  EXPECT_EQ(writeJson(draftOf(callsIn(kFirst)).settings), writeJson(draft.settings));
}

TEST_F(PolicyRecordTest, AProvenIdentityGoesBeforeANameAndANameBeforeAnAddress) {
  record::Calls calls;
  calls.header.window = kFirst;
  record::Call one;
  one.caller = one.believed = "web";
  one.client = *IpAddress::parse("10.0.0.1");
  one.destination = *SocketAddress::parse("10.0.9.1:5432");
  one.connections = 5;
  one.identity = "spiffe://loam/proxy/node-a";
  calls.calls = {one};
  EXPECT_TRUE(draftOf(calls).rules.at(0).proven);
  EXPECT_EQ(writeJson(draftOf(calls).settings["rules"][0]["match"]["sources"]), R"(["spiffe://loam/proxy/node-a"])");
  record::Call plain = one;
  plain.identity.clear();
  calls.calls.push_back(plain);
  EXPECT_FALSE(draftOf(calls).rules.at(0).proven);
  EXPECT_EQ(writeJson(draftOf(calls).settings["rules"][0]["match"]["sources"]),
            R"(["spiffe://loam/proxy/node-a","web"])");
  plain.believed.clear();
  calls.calls = {plain};
  EXPECT_EQ(writeJson(draftOf(calls).settings["rules"][0]["match"]["sources"]), R"(["10.0.0.1/32"])");
}

TEST_F(PolicyRecordTest, AnAddressOfTwoNamesIsNobodys) {
  wire::Report report = db::reportOf("node", ++sequence_, kStart, {});
  for (const char* unit : {"web.service", "cron.service"}) {
    auto edge = db::edgeOf("10.0.0.1", "10.0.9.1:5432", kStart, db::countsOf(1, 0), "outbound");
    edge.owner = wire::Owner{unit, "bin", 1};
    report.edges.push_back(edge);
  }
  report.names.push_back({*IpAddress::parse("10.0.9.1"), 0, "dns", "db", 1});
  ASSERT_TRUE(recorder.ingest(report));
  const record::Calls calls = callsIn(kFirst);
  ASSERT_EQ(calls.calls.size(), 2u);
  for (const record::Call& one : calls.calls) EXPECT_EQ(one.believed, "") << one.caller;
  EXPECT_TRUE(policyImpact(calls.calls, settingsOf(draftOf(calls).settings)).edges.empty());
}

/// The property that switching on rests on, for many records.
TEST_F(PolicyRecordTest, ADraftDeniesNothingOfItsWindowAndExactlyTheNewCallersOfALaterOne) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same records every time
  const auto pick = [&random](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
  std::map<std::string, std::set<std::uint16_t>> known;  // address -> ports
  std::uint64_t fresh = 0;
  for (int i = 0; i < 150; ++i) {
    const int host = pick(40);
    const std::string client = "10.0." + std::to_string(host % 3) + "." + std::to_string(host);
    const auto port = static_cast<std::uint16_t>(5000 + pick(4));
    call(client, port, kStart + pick(60) * 10, 1 + pick(5), host % 2 == 0 ? "svc-" + std::to_string(host) : "");
    known[client].insert(port);
  }
  for (int i = 0; i < 150; ++i) {
    const int host = pick(60);
    const std::string client = "10.0." + std::to_string(host % 3) + "." + std::to_string(host);
    const auto port = static_cast<std::uint16_t>(5000 + pick(4));
    const std::uint64_t count = 1 + pick(5);
    call(client, port, kStart + 600 + pick(60) * 10, count, host % 2 == 0 ? "svc-" + std::to_string(host) : "");
    if (!known.contains(client) || !known[client].contains(port)) fresh += count;
  }
  const record::Calls first = callsIn(kFirst);
  const filters::PolicySettings policy = settingsOf(draftOf(first).settings);
  const PolicyImpact own = policyImpact(first.calls, policy);
  EXPECT_TRUE(own.edges.empty());
  EXPECT_GT(own.connections, 150u);
  const PolicyImpact later = policyImpact(callsIn(kSecond).calls, policy);
  EXPECT_EQ(later.denied, fresh);
  EXPECT_GT(fresh, 0u);
  for (const DeniedCalls& edge : later.edges) {
    for (const std::string& client : edge.clients) EXPECT_FALSE(known[client].contains(edge.port)) << client;
    EXPECT_EQ(edge.rule, "default");
  }
}

TEST_F(PolicyRecordTest, WhatProxiesCountedIsToldByEdgeAndRule) {
  call("10.0.0.1", 5432, kStart, 3, "web");
  deny("10.0.0.1", 5432, kStart, 2, false);
  deny("10.0.0.1", 5432, kStart + 10, 1, false);
  deny("10.0.0.8", 5432, kStart + 10, 4, true);
  const PolicyImpact counted = countedImpact(callsIn(kFirst).verdicts);
  ASSERT_EQ(counted.edges.size(), 2u);
  EXPECT_EQ(counted.denied, 7u);
  EXPECT_EQ(counted.edges[0].caller, "10.0.0.8");
  EXPECT_TRUE(counted.edges[0].enforced);
  EXPECT_EQ(counted.edges[1].caller, "web");
  EXPECT_EQ(counted.edges[1].connections, 3u);
  EXPECT_FALSE(counted.edges[1].enforced);
}

TEST_F(PolicyRecordTest, WhomAPolicyTurnedAwayIsNoEvidence) {
  call("10.0.0.1", 5432, kStart, 3, "web");
  call("10.0.0.8", 5432, kStart, 4, "intruder");
  call("10.0.0.9", 5432, kStart, 4, "batch");
  deny("10.0.0.8", 5432, kStart, 4, true);
  deny("10.0.0.9", 5432, kStart, 4, false);
  const PolicyDraft draft = draftOf(callsIn(kFirst));
  ASSERT_EQ(draft.rules.size(), 2u);
  EXPECT_EQ(draft.rules[0].caller, "batch") << "that was only simulated";
  EXPECT_EQ(draft.rules[1].caller, "web");
  EXPECT_EQ(draft.leftOut, std::vector<std::string>{"intruder"});
}

TEST_F(PolicyRecordTest, ANetworkOfUnknownPeersIsDeniedWhenEitherEndIs) {
  record::Call network;
  network.caller = "203.0.113.0/24";
  network.client = *IpAddress::parse("203.0.113.0");
  network.prefix = 120;
  network.destination = *SocketAddress::parse("10.0.9.1:443");
  network.connections = 9;
  const auto half = settingsOf(*parseJson(R"({"default": "deny", "rules": [
      {"name": "a", "action": "allow", "match": {"sources": ["203.0.113.0/25"]}}]})"));
  const PolicyImpact impact = policyImpact({network}, half);
  ASSERT_EQ(impact.edges.size(), 1u);
  EXPECT_EQ(impact.edges[0].clients, std::set<std::string>{"203.0.113.0/24"});
  record::Calls calls;
  calls.calls = {network};
  EXPECT_TRUE(policyImpact({network}, settingsOf(draftOf(calls).settings)).edges.empty());
}

}  // namespace
}  // namespace loam::features
