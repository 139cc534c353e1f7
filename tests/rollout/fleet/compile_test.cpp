#include "rollout/fleet/compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "proxy/base/json.h"
#include "rollout/features/feature.h"

namespace loam::fleet {
namespace {

std::vector<std::string> everything() {
  std::vector<std::string> all;
  for (const features::Feature& feature : features::registry()) {
    for (const features::Stage& stage : feature.ladder) {
      if (!stage.capability.empty()) all.emplace_back(stage.capability);
    }
  }
  for (const char* more :
       {"policy.exchanges", "policy.jwt", "rate_limit.exchanges", "rate_limit.quotas", "rate_limit.shared",
        "fault.connections", "fault.bandwidth", "timeouts.connect", "balancing.health", "balancing.subsets",
        "balancing.zones", "routing.labels", "circuit_breaking.connections", "circuit_breaking.pending"}) {
    all.emplace_back(more);
  }
  std::sort(all.begin(), all.end());
  return all;
}

flags::Flag flagOf(const std::string& service, const features::Feature& feature, std::size_t rung) {
  flags::Flag flag;
  flag.cell = {service, std::string(feature.name)};
  flag.stage = feature.ladder[rung].name;
  flag.salt = "salt";
  flag.revision = 1;
  return flag;
}

/// Two services with every feature on its first rung.
struct Mesh {
  Topology topology;
  flags::Desired desired;
  Mesh() {
    topology.services["a"].endpoints = {*SocketAddress::parse("10.0.0.1:80")};
    topology.services["b"].endpoints = {*SocketAddress::parse("10.0.0.2:80")};
    topology.services["a"].callers = {{"web", {*IpAddress::parse("10.0.0.9")}},
                                      {"worker", {*IpAddress::parse("10.0.0.8")}}};
    topology.services["b"].callers = {{"a", {*IpAddress::parse("10.0.0.1")}}};
    for (const std::string service : {"a", "b"}) {
      for (const features::Feature& feature : features::registry()) {
        const flags::Flag flag = flagOf(service, feature, 1);
        desired.flags[flag.cell] = flag;
      }
    }
  }
  wire::Snapshot snapshot() const {
    std::vector<Withheld> withheld;
    return compile("p", {"a", "b"}, topology, desired, everything(), withheld);
  }
};

/// service/feature -> what a proxy is told of it.
std::map<std::string, std::string> cells(const wire::Snapshot& snapshot) {
  std::map<std::string, std::string> out;
  for (const wire::ServiceConfig& service : snapshot.services) {
    for (const wire::FeatureConfig& config : service.features) {
      out[service.name + "/" + config.feature] = wire::encode(std::vector{config});
    }
  }
  return out;
}

TEST(CompileTest, ChangingOneCellLeavesTheBytesOfAllOthers) {
  const Mesh mesh;
  const auto before = cells(mesh.snapshot());
  ASSERT_EQ(before.size(), 2 * features::registry().size());
  for (const auto& [cell, flag] : mesh.desired.flags) {
    for (const features::Stage& stage : features::find(cell.feature)->ladder) {
      Mesh changed = mesh;
      changed.desired.flags[cell].stage = stage.name;
      changed.desired.flags[cell].share = 12'345;
      changed.desired.flags[cell].revision = 2;
      auto after = cells(changed.snapshot());
      auto others = before;
      others.erase(cell.key());
      after.erase(cell.key());
      EXPECT_EQ(after, others) << cell.key() << " to " << stage.name;
    }
  }
}

const wire::ServiceConfig& serviceOf(const wire::Snapshot& snapshot, const std::string& name) {
  return *std::find_if(snapshot.services.begin(), snapshot.services.end(),
                       [&](const wire::ServiceConfig& one) { return one.name == name; });
}

TEST(CompileTest, ChangingOneCellLeavesTheBytesOfEveryOtherService) {
  const Mesh mesh;
  const std::string before = wire::encode(serviceOf(mesh.snapshot(), "b"));
  for (const features::Feature& feature : features::registry()) {
    for (std::size_t rung = 0; rung < feature.ladder.size(); ++rung) {
      Mesh changed = mesh;
      const flags::Flag flag = flagOf("a", feature, rung);
      changed.desired.flags[flag.cell] = flag;
      EXPECT_EQ(wire::encode(serviceOf(changed.snapshot(), "b")), before) << flag.cell.key() << " to " << flag.stage;
    }
  }
}

TEST(CompileTest, TellsWhoCallsOnlyWhereAStageAsksForIt) {
  std::set<std::string> asked;
  for (const features::Feature& feature : features::registry()) {
    for (std::size_t rung = 0; rung < feature.ladder.size(); ++rung) {
      Mesh mesh;
      mesh.desired.flags.clear();
      const flags::Flag flag = flagOf("a", feature, rung);
      mesh.desired.flags[flag.cell] = flag;
      const wire::Snapshot snapshot = mesh.snapshot();
      EXPECT_TRUE(serviceOf(snapshot, "b").callers.empty());
      const auto& callers = serviceOf(snapshot, "a").callers;
      if (callers.empty()) continue;
      EXPECT_EQ(callers, mesh.topology.services.at("a").callers);
      asked.insert(flag.cell.feature + "." + flag.stage);
      std::vector<Withheld> withheld;
      const auto old = compile("p", {"a"}, mesh.topology, mesh.desired, {}, withheld);
      EXPECT_TRUE(old.services.at(0).callers.empty()) << "a proxy that did not get the stage is not told either";
      EXPECT_EQ(wire::encode(old).find("callers"), std::string::npos);
    }
  }
  EXPECT_EQ(asked, (std::set<std::string>{"mtls.prefer", "mtls.strict", "policy.enforce", "policy.simulate",
                                          "rate_limit.enforce"}));
}

TEST(CompileTest, TellsAShareOfAFewKnownUnitsAsNames) {
  Mesh mesh;
  flags::Flag flag = flagOf("a", *features::find("mtls"), 3);
  flag.share = 50'000;
  flag.include = {"not yet known"};
  flag.exclude = {"nobody"};
  mesh.desired.flags = {{flag.cell, flag}};
  const wire::FeatureConfig few = serviceOf(mesh.snapshot(), "a").features.at(0);
  EXPECT_EQ(few.share, 0) << "whom nobody knows is out";
  ASSERT_EQ(few.include.size(), 2u);
  EXPECT_EQ(few.include[0], "not yet known");
  EXPECT_EQ(few.exclude, flag.exclude);
  mesh.desired.flags[flag.cell].share = flags::kWhole;
  const wire::FeatureConfig whole = serviceOf(mesh.snapshot(), "a").features.at(0);
  EXPECT_EQ(whole.share, flags::kWhole);
  EXPECT_EQ(whole.include, flag.include);
  for (int i = 0; i < 200; ++i)
    mesh.topology.services["a"].callers.push_back({"z" + std::to_string(i), {*IpAddress::parse("10.0.0.9")}});
  mesh.desired.flags[flag.cell].share = 50'000;
  const wire::FeatureConfig many = serviceOf(mesh.snapshot(), "a").features.at(0);
  EXPECT_EQ(many.share, 50'000) << "buckets do for many";
  EXPECT_EQ(many.include, flag.include);
}

TEST(CompileTest, ANewCallerTakesAtMostOnePlaceOfTheOthers) {
  Mesh mesh;
  flags::Flag flag = flagOf("a", *features::find("mtls"), 3);
  flag.share = 30'000;
  mesh.desired.flags = {{flag.cell, flag}};
  std::vector<std::string> before;
  for (int i = 0; i < 150; ++i) {
    mesh.topology.services["a"].callers.push_back({"z" + std::to_string(i), {*IpAddress::parse("10.0.0.9")}});
    const std::vector<std::string> now = serviceOf(mesh.snapshot(), "a").features.at(0).include;
    std::vector<std::string> lost;
    std::set_difference(before.begin(), before.end(), now.begin(), now.end(), std::back_inserter(lost));
    EXPECT_LE(lost.size(), 1u) << i;
    EXPECT_GE(now.size(), before.size());
    before = now;
  }
}

TEST(CompileTest, TheSameInputsGiveTheSameBytes) {
  EXPECT_EQ(wire::encode(Mesh().snapshot()), wire::encode(Mesh().snapshot()));
}

TEST(CompileTest, AStageThatAProxyDoesNotKnowIsOffToIt) {
  const Mesh mesh;
  for (const features::Feature& feature : features::registry()) {
    for (std::size_t rung = 1; rung < feature.ladder.size(); ++rung) {
      Mesh changed = mesh;
      const flags::Flag flag = flagOf("a", feature, rung);
      changed.desired.flags[flag.cell] = flag;
      std::vector<std::string> known = everything();
      std::erase(known, std::string(feature.ladder[rung].capability));
      std::vector<Withheld> withheld;
      const wire::Snapshot snapshot = compile("p", {"a"}, changed.topology, changed.desired, known, withheld);
      const Withheld expected{"a", std::string(feature.ladder[rung].capability)};
      EXPECT_EQ(std::count(withheld.begin(), withheld.end(), expected), 1) << expected.capability;
      for (const wire::FeatureConfig& config : snapshot.services.at(0).features) {
        const bool is = config.feature == feature.name;
        EXPECT_TRUE(!is || config.stage == "off") << expected.capability;
      }
    }
  }
}

TEST(CompileTest, SettingsThatAProxyCannotCarryOutAreOffToIt) {
  struct Case {
    std::string feature;
    std::size_t rung;
    std::string settings;
    std::string demanded;
  };
  const Case cases[] = {
      {"policy", 2, R"({"rules": [{"name": "r", "action": "deny", "match": {"paths": ["/a"]}}]})", "policy.exchanges"},
      {"policy", 1, R"({"rules": [{"name": "r", "action": "deny", "match": {}, "jwt": {"issuers": ["i"]}}]})",
       "policy.jwt"},
      {"rate_limit", 2, R"({"limits": [{"name": "r", "rate": "1/s"}]})", "rate_limit.exchanges"},
      {"rate_limit", 1, R"({"limits": [{"name": "r", "quota": "9/day"}]})", "rate_limit.quotas"},
      {"rate_limit", 1, R"({"limits": [{"name": "r", "rate": "1/s"}], "scope": "service"})", "rate_limit.shared"},
      {"fault", 1, R"({"at": "connection", "abort": {"reset": true}})", "fault.connections"},
      {"fault", 1, R"({"bytes_per_second": "1KiB"})", "fault.bandwidth"},
      {"timeouts", 2, R"({"connect": "1s"})", "timeouts.connect"},
      {"balancing", 1, R"({"health": {"kind": "grpc"}})", "balancing.health"},
      {"balancing", 1, R"({"subsets": [{"name": "new", "labels": {"version": "v2"}}]})", "balancing.subsets"},
      {"balancing", 1, R"({"locality": {"prefer": "zone"}})", "balancing.zones"},
      {"routing", 1, R"({"rules": [{"name": "r", "to": [{"labels": {"version": "v2"}}]}]})", "routing.labels"},
      {"circuit_breaking", 2, R"({"caps": {"connections": 9}})", "circuit_breaking.connections"},
      {"circuit_breaking", 2, R"({"caps": {"pending": 9}})", "circuit_breaking.pending"},
  };
  for (const Case& one : cases) {
    const features::Feature& feature = *features::find(one.feature);
    Mesh mesh;
    flags::Flag flag = flagOf("a", feature, one.rung);
    mesh.desired.flags[flag.cell] = flag;
    std::vector<std::string> known = everything();
    std::erase(known, one.demanded);
    const auto stageFor = [&](const std::string& settings) {
      mesh.desired.flags[flag.cell].settings = *parseJson(settings);
      std::vector<Withheld> withheld;
      const auto snapshot = compile("p", {"a"}, mesh.topology, mesh.desired, known, withheld);
      const auto& got = snapshot.services.at(0).features;
      const auto found = std::find_if(got.begin(), got.end(), [&](const auto& c) { return c.feature == one.feature; });
      EXPECT_EQ(withheld.empty(), found != got.end());
      return found == got.end() ? withheld.at(0).capability : found->stage;
    };
    EXPECT_EQ(stageFor(one.settings), one.demanded);
    EXPECT_EQ(stageFor("{}"), feature.ladder[one.rung].name) << one.demanded;
  }
}

TEST(CompileTest, AFaultIsToldWhichProxiesStandBesideTheService) {
  for (const bool isMeshed : {true, false}) {
    Mesh mesh;
    mesh.desired.flags.clear();
    graph::Instance instance;
    if (isMeshed) instance.proxies = {"p1"};
    mesh.topology.services["a"].instances = {instance};
    const flags::Flag flag = flagOf("a", *features::find("fault"), 1);
    mesh.desired.flags[flag.cell] = flag;
    const auto names = isMeshed ? std::vector<std::string>{"p1"} : std::vector<std::string>();
    EXPECT_EQ(mesh.snapshot().services.at(0).proxies, names);
  }
}

TEST(CompileTest, SaysNothingOfWhatEveryProxyDoesByItself) {
  flags::Desired desired;
  EXPECT_FALSE(compile(desired.flag({"a", "observe"})));
  flags::Flag off = flagOf("a", *features::find("mtls"), 0);
  EXPECT_FALSE(compile(off));
  EXPECT_TRUE(compile(flagOf("a", *features::find("observe"), 0)));  // off is news: it begins on
}

TEST(CompileTest, ProxiesGetTheWholeOfTheSettings) {
  flags::Flag flag = flagOf("a", *features::find("policy"), 1);
  flag.settings["rules"][0]["name"] = "no-cron";
  flag.settings["rules"][0]["action"] = "deny";
  flag.settings["rules"][0]["match"]["sources"].append("cron");
  const auto config = compile(flag);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->settings["default"].asString(), "allow") << "a default is told, so that no two versions differ";
  EXPECT_EQ(config->settings["rules"][0]["match"]["sources"][0].asString(), "cron");
}

TEST(CompileTest, LeavesOutServicesThatTheRecordDoesNotKnow) {
  Mesh mesh;
  std::vector<Withheld> withheld;
  const auto snapshot = compile("p", {"a", "nobody"}, mesh.topology, mesh.desired, everything(), withheld);
  ASSERT_EQ(snapshot.services.size(), 1u);
  EXPECT_EQ(snapshot.services[0].name, "a");
}

}  // namespace
}  // namespace loam::fleet
