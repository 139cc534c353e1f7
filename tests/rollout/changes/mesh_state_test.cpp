#include "rollout/changes/mesh_state.h"

#include <gtest/gtest.h>

#include <random>

#include "proxy/base/json.h"
#include "rollout/changes/change.h"

namespace loam::changes {
namespace {

using flags::Cell;
using flags::Desired;

constexpr std::int64_t kNow = 1'700'000'000;

/// What a controller would hold after a plan was carried out, without its documents.
Desired after(Desired desired, const MeshPlan& plan) {
  ++desired.revision;
  for (const CellEdit& edit : plan.edits) {
    const Judgement judgement = judge(desired, edit, kNow);
    EXPECT_TRUE(judgement.problems.empty()) << edit.cell.key() << ": " << text(judgement.problems);
    desired.flags[edit.cell] = judgement.after;
    desired.flags[edit.cell].revision = desired.revision;
  }
  for (const auto& [before, settings] : plan.services) desired.services[settings.name] = settings;
  for (std::size_t i = 0; i < plan.begun.size(); ++i) {
    flags::Freeze freeze = plan.begun[i];
    freeze.id = "fr-" + std::to_string(desired.revision) + "-" + std::to_string(i);
    desired.freezes[freeze.id] = freeze;
  }
  for (const flags::Freeze& freeze : plan.lifted) desired.freezes.erase(freeze.id);
  return desired;
}

MeshState read(const Json::Value& document) {
  std::vector<FieldProblem> problems;
  MeshState state = readMeshState(document, problems);
  EXPECT_TRUE(problems.empty()) << text(problems);
  return state;
}

/// Draws states that people may get to.
class Drawer {
 public:
  explicit Drawer(unsigned seed) : random_(seed) {}

  Desired desired() {
    Desired made;
    if (chance()) put(made, {"*", "observe"}, chance() ? "off" : "sampled");
    for (const char* service : {"cart", "cart-old", "checkout.shop", "db/replica", "zoë"}) {
      if (chance()) put(made, {service, "serve"}, chance() ? "simulate" : "on");
      if (chance()) put(made, {service, "observe"}, chance() ? "on" : "sampled");
      if (chance()) put(made, {service, "mtls"}, chance() ? "observe" : "off");
      if (chance()) put(made, {service, "timeouts"}, "simulate", R"({"request":"5s"})");
      if (chance()) settings(made, service);
      if (chance()) freeze(made, service);
    }
    return made;
  }

 private:
  bool chance() { return random_() % 2 == 0; }
  void put(Desired& made, const Cell& cell, const std::string& stage, const char* body = "{}") {
    flags::Flag flag = made.flag(cell);
    flag.stage = stage;
    const auto* const feature = features::find(cell.feature);
    const bool counts = feature->ladder[*feature->rung(stage)].unit != features::Unit::None;
    flag.share = counts && chance() ? static_cast<flags::Share>(random_() % flags::kWhole) : flags::kWhole;
    flag.include = chance() ? std::vector<std::string>{"a", "on"} : std::vector<std::string>{};
    flag.exclude = chance() ? std::vector<std::string>{"b: #c"} : std::vector<std::string>{};
    flag.settings = *parseJson(body);
    flag.expires = chance() ? std::optional<std::int64_t>(kNow + 60) : std::nullopt;
    flag.killed = flag.isOff() && chance();
    flag.revision = 1 + random_() % 9;
    made.flags[cell] = flag;
  }
  void settings(Desired& made, const std::string& service) {
    flags::ServiceSettings& settings = made.services[service];
    settings.name = service;
    settings.owner = chance() ? "team \"a\"" : "";
    settings.tags = chance() ? std::vector<std::string>{"x", "yes"} : std::vector<std::string>{};
    settings.captured = chance();
    settings.revision = 3;
  }
  void freeze(Desired& made, const std::string& service) {
    flags::Freeze one;
    one.id = "fr-" + std::to_string(random_());
    one.service = chance() ? service : "";
    one.until = chance() ? std::optional<std::int64_t>(kNow + (chance() ? 60 : -60)) : std::nullopt;
    one.reason = "sale";
    made.freezes[one.id] = one;
  }

  std::mt19937 random_;
};

TEST(MeshStateTest, AppliedToAnEmptyMeshAStateIsExportedWithTheSameBytes) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const Json::Value exported = stateOf(Drawer(seed).desired(), kNow);
    Desired empty;
    const MeshPlan plan = planOf(empty, read(exported), false, kNow);
    const Desired there = after(empty, plan);
    EXPECT_EQ(writeJson(stateOf(there, kNow)), writeJson(exported)) << "seed " << seed;
    EXPECT_TRUE(planOf(there, read(exported), true, kNow).isEmpty()) << "seed " << seed;
  }
}

TEST(MeshStateTest, PrunedToAnotherStateAMeshIsThatStateWhateverItWas) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const Json::Value wanted = stateOf(Drawer(seed).desired(), kNow);
    Desired other = Drawer(seed + 1000).desired();
    other.freezes.clear();  // of which each would forbid the half of it
    other = after(other, planOf(other, read(wanted), true, kNow));
    EXPECT_EQ(writeJson(stateOf(other, kNow)), writeJson(wanted)) << "seed " << seed;
  }
}

TEST(MeshStateTest, WhatIsNotNamedStaysWithoutPrune) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    const Desired desired = Drawer(seed).desired();
    EXPECT_TRUE(planOf(desired, MeshState{}, false, kNow).isEmpty());
  }
}

TEST(MeshStateTest, NumbersAndTextsArePercentages) {
  const MeshState state = read(*parseJson(
      R"({"flags":{"cart":{"observe":{"stage":"sampled","percent":12.5},"serve":{"stage":"on","percent":"7"}}}})"));
  EXPECT_EQ(state.flags.at({"cart", "observe"}).share, 12'500);
  EXPECT_EQ(state.flags.at({"cart", "serve"}).share, 7000);
}

TEST(MeshStateTest, NamesEveryProblemWithItsPlace) {
  std::vector<FieldProblem> problems;
  (void)readMeshState(*parseJson(R"({"flags":{"a/b":{"serve":{"percent":"x"}},"c":1},"services":[],"freezes":[{}]})"),
                      problems);
  std::vector<std::string> pointers;
  for (const FieldProblem& problem : problems) pointers.push_back(problem.pointer);
  EXPECT_EQ(pointers, (std::vector<std::string>{"/flags/a~1b/serve", "/flags/a~1b/serve/percent", "/flags/c",
                                                "/services", "/freezes/0"}));
}

}  // namespace
}  // namespace loam::changes
