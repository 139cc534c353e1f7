#include "rollout/access/scope.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"

namespace loam::access {
namespace {

TEST(ScopeTest, EmptyListsMeanAll) {
  EXPECT_TRUE(Scope().isWhole());
  EXPECT_TRUE(Scope().covers("cart", "mtls"));
  EXPECT_TRUE(Scope().covers("", ""));
}

TEST(ScopeTest, HoldsServicesAndOfThemFeatures) {
  const Scope cart{{"cart"}, {}};
  EXPECT_TRUE(cart.covers("cart", "mtls"));
  EXPECT_TRUE(cart.covers("cart", "")) << "every feature of it";
  EXPECT_FALSE(cart.covers("web", "mtls"));
  EXPECT_FALSE(cart.covers("", "mtls")) << "every service is more than one";
  EXPECT_FALSE(cart.covers("*", "observe"));
  const Scope timeouts{{"cart"}, {"retries", "timeouts"}};
  EXPECT_TRUE(timeouts.covers("cart", "retries"));
  EXPECT_FALSE(timeouts.covers("cart", "mtls"));
  EXPECT_FALSE(timeouts.covers("cart", ""));
  const Scope everywhere{{}, {"observe"}};
  EXPECT_TRUE(everywhere.covers("", "observe"));
  EXPECT_FALSE(everywhere.covers("", ""));
}

TEST(ScopeTest, ReadsBackAsItWas) {
  const Scope scope{{"cart", "web"}, {"mtls"}};
  EXPECT_EQ(*scopeFromJson(toJson(scope)), scope);
  EXPECT_TRUE(scopeFromJson(toJson(Scope()))->isWhole());
}

TEST(ScopeTest, WhatCannotBeReadIsNeverEverything) {
  for (const char* text : {"null", "{}", R"({"services":[]})", R"({"services":"cart","features":[]})",
                           R"({"services":[],"features":[1]})", "[]"}) {
    EXPECT_FALSE(scopeFromJson(*parseJson(text))) << text;
  }
}

}  // namespace
}  // namespace loam::access
