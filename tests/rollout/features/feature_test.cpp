#include "rollout/features/feature.h"

#include <gtest/gtest.h>

#include <set>

namespace loam::features {
namespace {

/// "off,simulate*,on(request)": a ladder in short.
std::string ladderOf(const Feature& feature) {
  std::string text;
  for (const Stage& stage : feature.ladder) {
    text.append(text.empty() ? "" : ",").append(stage.name).append(stage.beside ? "*" : "");
    if (stage.unit != Unit::None) text.append("(").append(name(stage.unit)).append(")");
    if (stage.expires) text.append("!");
  }
  return text;
}

TEST(FeatureTest, TheLaddersAreThoseOfTheDesignInItsOrder) {
  const std::vector<std::pair<std::string, std::string>> expected{
      {"observe", "off,sampled*(connection),on*"},
      {"shadow", "off,compare*(request)"},
      {"serve", "off,simulate*,on(connection)"},
      {"mtls", "off,observe*,permissive(instance),prefer(source),strict(source identity)"},
      {"policy", "off,simulate*,enforce(source identity)"},
      {"rate_limit", "off,simulate*,enforce(source)"},
      {"balancing", "off,on(connection)"},
      {"routing", "off,on(request)"},
      {"timeouts", "off,simulate*,on(request)"},
      {"retries", "off,simulate*,on(request)"},
      {"circuit_breaking", "off,simulate*,on(instance)"},
      {"fault", "off,on(request)!"},
  };
  std::vector<std::pair<std::string, std::string>> found;
  for (const Feature& feature : registry()) found.emplace_back(feature.name, ladderOf(feature));
  EXPECT_EQ(found, expected);
}

TEST(FeatureTest, EveryFeatureIsWhole) {
  std::set<std::string_view> names;
  std::set<std::string_view> capabilities;
  for (const Feature& feature : registry()) {
    EXPECT_TRUE(names.insert(feature.name).second) << feature.name;
    EXPECT_EQ(find(feature.name), &feature);
    EXPECT_FALSE(feature.summary.empty()) << feature.name;
    EXPECT_FALSE(feature.acts.empty()) << feature.name;
    EXPECT_TRUE(feature.settings && feature.complete && feature.outline && feature.needs) << feature.name;
    ASSERT_GE(feature.ladder.size(), 2u) << feature.name;
    EXPECT_EQ(feature.ladder[0].name, "off");
    EXPECT_EQ(feature.ladder[0].capability, "");
    EXPECT_EQ(feature.initial, feature.name == "observe" ? "on" : "off");
    EXPECT_TRUE(feature.rung(feature.initial)) << feature.name;
    for (std::size_t i = 0; i < feature.ladder.size(); ++i) {
      const Stage& stage = feature.ladder[i];
      EXPECT_EQ(feature.rung(stage.name), i) << feature.name << ": a stage of this name stands twice";
      if (i == 0) continue;
      EXPECT_EQ(stage.capability, std::string(feature.name) + "." + std::string(stage.name));
      EXPECT_TRUE(capabilities.insert(stage.capability).second) << stage.capability;
    }
    EXPECT_FALSE(feature.rung("no such stage"));
  }
}

TEST(FeatureTest, WhatNobodyKnowsIsNotFound) {
  for (const char* name : {"", "Observe", "observe ", "mtls2"}) EXPECT_EQ(find(name), nullptr) << name;
}

TEST(FeatureTest, UnitsHaveNamesForPeople) {
  EXPECT_EQ(name(Unit::None), "");
  EXPECT_EQ(name(Unit::Connection), "connection");
  EXPECT_EQ(name(Unit::Request), "request");
  EXPECT_EQ(name(Unit::Instance), "instance");
  EXPECT_EQ(name(Unit::Source), "source");
  EXPECT_EQ(name(Unit::SourceIdentity), "source identity");
}

TEST(MoveTest, DownIsAlwaysAllowedAndUpPassesOverNothingThatCouldBreak) {
  for (const Feature& feature : registry()) {
    for (std::size_t from = 0; from < feature.ladder.size(); ++from) {
      for (std::size_t to = 0; to < feature.ladder.size(); ++to) {
        bool passes = false;
        for (std::size_t between = from + 1; between < to; ++between) passes |= !feature.ladder[between].beside;
        const auto refused = refusesMove(feature, feature.ladder[from].name, feature.ladder[to].name);
        EXPECT_EQ(refused.has_value(), passes)
            << feature.name << ": " << feature.ladder[from].name << " -> " << feature.ladder[to].name;
      }
    }
  }
}

TEST(MoveTest, TheMovesOfMtlsOneByOne) {
  const Feature& mtls = *find("mtls");
  const std::set<std::pair<std::string_view, std::string_view>> refused{
      {"off", "prefer"}, {"off", "strict"}, {"observe", "prefer"}, {"observe", "strict"}, {"permissive", "strict"}};
  for (const Stage& from : mtls.ladder) {
    for (const Stage& to : mtls.ladder) {
      EXPECT_EQ(refusesMove(mtls, from.name, to.name).has_value(), refused.contains({from.name, to.name}))
          << from.name << " -> " << to.name;
    }
  }
}

TEST(MoveTest, ARefusalNamesTheStageThatComesFirst) {
  EXPECT_EQ(refusesMove(*find("mtls"), "off", "strict"),
            "mtls goes from off to strict by way of permissive: move it there first");
  EXPECT_EQ(refusesMove(*find("mtls"), "permissive", "strict"),
            "mtls goes from permissive to strict by way of prefer: move it there first");
  EXPECT_EQ(refusesMove(*find("mtls"), "off", "full"), "mtls has no stage \"full\"");
  EXPECT_EQ(refusesMove(*find("mtls"), "half", "off"), "mtls has no stage \"half\"");
}

}  // namespace
}  // namespace loam::features
