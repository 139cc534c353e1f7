#include <gtest/gtest.h>

#include <random>

#include "documentation.h"
#include "proxy/base/json.h"
#include "rollout/features/feature.h"

namespace loam::features {
namespace {

/// Calls `body` with every feature and each of its stages.
template <class Body>
void eachStage(Body body) {
  for (const Feature& feature : registry()) {
    for (const Stage& stage : feature.ladder) {
      SCOPED_TRACE(std::string(feature.name) + ", " + std::string(stage.name));
      body(feature, stage);
    }
  }
}

/// What a pointer of RFC 6901 points at; null where there is nothing.
const Json::Value* at(const Json::Value& document, std::string_view pointer) {
  const Json::Value* value = &document;
  while (value && !pointer.empty()) {
    const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::string step(pointer.substr(1, end - 1));
    pointer.remove_prefix(end);
    for (std::size_t tilde = step.find('~'); tilde != std::string::npos; tilde = step.find('~', tilde + 1)) {
      step.replace(tilde, 2, step.at(tilde + 1) == '0' ? "~" : "/");
    }
    if (value->isArray()) {
      const auto index = static_cast<Json::ArrayIndex>(std::stoul(step));
      value = index < value->size() ? &(*value)[index] : nullptr;
    } else {
      value = value->isObject() ? value->find(step.data(), step.data() + step.size()) : nullptr;
    }
  }
  return value;
}

/// Spoils one place of a document: takes something away, doubles it, renames it, or puts something else there.
void spoil(Json::Value& value, std::mt19937& random) {
  static const Json::Value kOthers[] = {Json::Value(),
                                        Json::Value(""),
                                        Json::Value(0),
                                        Json::Value(-1.5),
                                        Json::Value(true),
                                        Json::Value("x/~\x01"),
                                        Json::Value(1e300),
                                        Json::Value(Json::arrayValue),
                                        Json::Value(Json::objectValue),
                                        Json::Value("1s")};
  const auto below = [&random](std::size_t bound) { return static_cast<unsigned>(random() % bound); };
  if (value.empty() || !(value.isObject() || value.isArray()) || below(4) == 0) {
    value = kOthers[below(std::size(kOthers))];
    return;
  }
  const std::size_t action = below(6);
  if (value.isArray()) {
    const unsigned index = below(value.size());
    if (action == 0) {
      value.append(Json::Value(value[index]));
    } else {
      spoil(value[index], random);
    }
    return;
  }
  const std::string name = value.getMemberNames()[below(value.size())];
  if (action == 0) {
    value[name + "/~"] = Json::Value(value[name]);
  } else if (action == 1) {
    value.removeMember(name);
  } else {
    spoil(value[name], random);
  }
}

TEST(FeatureSettingsTest, TheCanonicalFormIsAFixedPointAtEveryStage) {
  const auto sections = documentation();
  eachStage([&](const Feature& feature, const Stage& stage) {
    ASSERT_TRUE(sections.contains(std::string(feature.name)));
    const auto& examples = sections.at(std::string(feature.name)).examples;
    ASSERT_FALSE(examples.empty());
    for (const Json::Value& example : examples) {
      std::vector<FieldProblem> problems;
      const Json::Value once = feature.settings(stage.name, example, problems);
      const Json::Value twice = feature.settings(stage.name, once, problems);
      EXPECT_TRUE(problems.empty()) << text(problems);
      EXPECT_EQ(writeJson(once), writeJson(twice));
    }
  });
}

TEST(FeatureSettingsTest, WhateverIsGivenIsEitherReadWholeOrHasProblemsThatPointIntoIt) {
  std::mt19937 random(1);  // NOLINT: the same documents in every run
  const auto sections = documentation();
  std::size_t whole = 0;
  eachStage([&](const Feature& feature, const Stage& stage) {
    for (int round = 0; round < 300; ++round) {
      const auto& examples = sections.at(std::string(feature.name)).examples;
      Json::Value given = examples[random() % examples.size()];
      for (int times = 0; times <= round % 3; ++times) spoil(given, random);
      std::vector<FieldProblem> problems;
      const Json::Value once = feature.settings(stage.name, given, problems);
      for (const FieldProblem& problem : problems) {
        EXPECT_TRUE(at(given, problem.pointer)) << problem.pointer << " of " << writeJson(given);
        EXPECT_FALSE(problem.detail.empty());
      }
      if (!problems.empty()) continue;
      ++whole;
      EXPECT_EQ(writeJson(feature.settings(stage.name, once, problems)), writeJson(once));
      EXPECT_TRUE(problems.empty()) << text(problems) << " in the canonical form of " << writeJson(given);
    }
  });
  EXPECT_GT(whole, 500u) << "too few documents were good to say anything";
}

TEST(FeatureSettingsTest, AnUnknownMemberIsNamedWithTheNearestOneAtEveryStage) {
  const auto sections = documentation();
  eachStage([&](const Feature& feature, const Stage& stage) {
    for (const filters::Setting& setting : feature.outline()) {
      if (setting.path.find_first_of(".[") != std::string::npos) continue;
      Json::Value given = sections.at(std::string(feature.name)).examples.at(0);
      given[setting.path + "x"] = 1;
      std::vector<FieldProblem> problems;
      feature.settings(stage.name, given, problems);
      ASSERT_EQ(problems.size(), 1u) << text(problems);
      EXPECT_EQ(problems[0].pointer, "/" + setting.path + "x");
      EXPECT_NE(problems[0].detail.find("did you mean " + setting.path), std::string::npos) << problems[0].detail;
    }
  });
}

TEST(FeatureSettingsTest, NoMemberTakesAValueOfAnotherKind) {
  for (const Feature& feature : registry()) {
    for (const filters::Setting& setting : feature.outline()) {
      if (setting.path.find('.') != std::string::npos) continue;
      const std::string member = setting.path.substr(0, setting.path.find('['));
      for (const Json::Value& wrong : {Json::Value("\n"), Json::Value(-7.5), Json::Value(Json::nullValue)}) {
        Json::Value given(Json::objectValue);
        given[member] = wrong;
        std::vector<FieldProblem> problems;
        feature.settings("off", given, problems);
        ASSERT_EQ(problems.size(), wrong.isNull() ? 0u : 1u) << feature.name << ": " << text(problems);
        EXPECT_EQ(wrong.isNull() ? "/" + member : problems[0].pointer, "/" + member);
      }
    }
  }
}

TEST(FeatureSettingsTest, OffDemandsNothingAndTakesNothingThatIsWrong) {
  for (const Feature& feature : registry()) {
    std::vector<FieldProblem> problems;
    EXPECT_EQ(writeJson(feature.settings("off", Json::Value(Json::objectValue), problems)), "{}") << feature.name;
    EXPECT_EQ(writeJson(feature.settings("off", Json::Value(), problems)), "{}") << feature.name;
    EXPECT_TRUE(problems.empty()) << feature.name << ": " << text(problems);
    feature.settings("off", Json::Value(Json::arrayValue), problems);
    EXPECT_EQ(problems.size(), 1u) << feature.name;
  }
}

TEST(FeatureSettingsTest, EveryStageDemandsTheSame) {
  for (const Feature& feature : registry()) {
    std::vector<FieldProblem> first;
    feature.settings(feature.ladder[1].name, Json::Value(Json::objectValue), first);
    for (const Stage& stage : feature.ladder.subspan(1)) {
      std::vector<FieldProblem> problems;
      feature.settings(stage.name, Json::Value(Json::objectValue), problems);
      EXPECT_EQ(problems, first) << feature.name << ", " << stage.name;
    }
  }
}

}  // namespace
}  // namespace loam::features
