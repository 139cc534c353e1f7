#include "proxy/filters/settings.h"

#include <gtest/gtest.h>

#include <set>

#include "proxy/filters/balancing.h"
#include "proxy/filters/circuit_breaking.h"
#include "proxy/filters/fault.h"
#include "proxy/filters/mtls.h"
#include "proxy/filters/observe.h"
#include "proxy/filters/policy.h"
#include "proxy/filters/rate_limit.h"
#include "proxy/filters/retries.h"
#include "proxy/filters/routing.h"
#include "proxy/filters/serve.h"
#include "proxy/filters/shadow.h"
#include "proxy/filters/timeouts.h"
#include "settings_table.h"

namespace loam::filters {
namespace {

/// What holds for the settings of every feature.
template <class S>
class SettingsTest : public testing::Test {};

using All = testing::Types<ObserveSettings, ShadowSettings, ServeSettings, MtlsSettings, PolicySettings,
                           RateLimitSettings, BalancingSettings, RoutingSettings, TimeoutsSettings, RetriesSettings,
                           CircuitBreakingSettings, FaultSettings>;
TYPED_TEST_SUITE(SettingsTest, All);

TYPED_TEST(SettingsTest, TheDefaultsAreWithinTheirOwnBounds) {
  const Json::Value defaults = write(TypeParam());
  std::vector<FieldProblem> problems;
  EXPECT_EQ(writeJson(canonical<TypeParam>(defaults, problems, Purpose::Keep)), writeJson(defaults));
  EXPECT_TRUE(problems.empty()) << text(problems);
}

TYPED_TEST(SettingsTest, WhatIsNotGivenIsTheDefault) {
  std::vector<FieldProblem> problems;
  const auto settings = read<TypeParam>(Json::Value(Json::objectValue), problems, Purpose::Keep);
  EXPECT_EQ(writeJson(write(settings)), writeJson(write(TypeParam())));
  EXPECT_EQ(writeJson(canonical<TypeParam>(Json::Value(), problems, Purpose::Keep)), "{}");
  EXPECT_TRUE(problems.empty()) << text(problems);
}

TYPED_TEST(SettingsTest, TheOutlineNamesEveryMemberOnceAndItsDefault) {
  const Json::Value defaults = write(TypeParam());
  std::set<std::string> paths;
  for (const Setting& setting : outline<TypeParam>()) {
    EXPECT_TRUE(paths.insert(setting.path).second) << setting.path;
    EXPECT_FALSE(setting.kind.empty()) << setting.path;
    if (!defaults.isMember(setting.path) || defaults[setting.path].isObject()) continue;
    EXPECT_EQ(setting.standard, writeJson(defaults[setting.path])) << setting.path;
  }
  for (const std::string& member : defaults.getMemberNames()) {
    EXPECT_TRUE(paths.contains(member) || paths.contains(member + "[]")) << member;
  }
}

TYPED_TEST(SettingsTest, NothingButAnObjectIsSettings) {
  for (const char* given : {"[]", "5", "\"x\"", "true"}) {
    std::vector<FieldProblem> problems;
    canonical<TypeParam>(settingsJson(given), problems, Purpose::Keep);
    ASSERT_EQ(problems.size(), 1u) << text(problems);
    EXPECT_EQ(problems[0].pointer, "");
  }
}

}  // namespace
}  // namespace loam::filters
