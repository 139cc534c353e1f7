#include "rollout/fleet/explanation.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"

namespace loam::fleet {
namespace {

wire::FeatureConfig feature(std::string name, std::string stage, const std::string& settings = "{}") {
  wire::FeatureConfig config;
  config.feature = std::move(name);
  config.stage = std::move(stage);
  config.settings = *parseJson(settings);
  return config;
}

constexpr const char* kOnlyWeb =
    R"({"default":"deny","rules":[{"name":"no-batch","action":"deny","match":{"sources":["batch"]}},
        {"name":"web","action":"allow","match":{"sources":["web"]}}]})";

wire::ServiceConfig billing(std::vector<wire::FeatureConfig> features) {
  wire::ServiceConfig service;
  service.name = "billing";
  service.endpoints = {*SocketAddress::parse("10.0.0.2:5432")};
  service.features = std::move(features);
  service.callers = {{"batch", {*IpAddress::parse("10.0.0.8")}}, {"web", {*IpAddress::parse("10.0.0.7")}}};
  return service;
}

/// "CALLER OUTCOME: FEATURE@STAGE RULE now/EARLIER STAGE EARLIER; ...".
std::string told(const wire::ServiceConfig& service, const char* client, const std::string& identity = "") {
  const auto found = explain(service, {*IpAddress::parse(client), *SocketAddress::parse("10.0.0.2:5432"), identity});
  if (!found) return found.error().context;
  std::string out = found->caller + " " + std::string(text(found->fate())) + ":";
  for (const FeatureWord& word : found->words) {
    out += " " + word.feature + "@" + word.stage + (word.isIn ? "" : "(out)") + " " + word.rule + " " +
           std::string(text(word.fate)) + "/" + word.earlier + " " + std::string(text(word.fateEarlier)) + ";";
  }
  return out;
}

TEST(ExplanationTest, NamesTheRuleAndWhatOneStageEarlierWouldDo) {
  const auto service = billing({feature("policy", "enforce", kOnlyWeb)});
  EXPECT_EQ(told(service, "10.0.0.8"), "batch denied: policy@enforce no-batch denied/simulate would_be_denied;");
  EXPECT_EQ(told(service, "10.0.0.9"), " denied: policy@enforce default denied/simulate would_be_denied;");
  EXPECT_EQ(told(service, "10.0.0.7"), "web admitted: policy@enforce  admitted/simulate admitted;");
  EXPECT_EQ(told(billing({feature("policy", "simulate", kOnlyWeb)}), "10.0.0.8"),
            "batch would_be_denied: policy@simulate no-batch would_be_denied/off admitted;");
  EXPECT_EQ(told(billing({}), "10.0.0.8"), "batch admitted:");
}

TEST(ExplanationTest, WhomTheShareLacksIsOnlySimulated) {
  auto policy = feature("policy", "enforce", kOnlyWeb);
  policy.share = 0;
  policy.include = {"batch"};
  EXPECT_EQ(told(billing({policy}), "10.0.0.8"),
            "batch denied: policy@enforce no-batch denied/simulate would_be_denied;");
  EXPECT_EQ(told(billing({policy}), "10.0.0.9"),
            " would_be_denied: policy@enforce(out) default would_be_denied/simulate would_be_denied;");
}

TEST(ExplanationTest, MtlsIsAskedFirstAndOnlyAboutPlaintextOfOthers) {
  const auto service = billing({feature("mtls", "strict"), feature("policy", "enforce", kOnlyWeb)});
  EXPECT_EQ(told(service, "10.0.0.7"),
            "web denied: mtls@strict plaintext denied/prefer admitted; policy@enforce  admitted/simulate admitted;");
  EXPECT_EQ(told(service, "10.0.0.7", "spiffe://loam/proxy/a"),
            "web admitted: mtls@strict  admitted/prefer admitted; policy@enforce  admitted/simulate admitted;");
  EXPECT_EQ(told(billing({feature("mtls", "strict")}), "10.0.0.2"), " admitted: mtls@strict  admitted/prefer admitted;")
      << "it does not leave the host";
}

TEST(ExplanationTest, WhatCountsAtTheMomentIsNotForetold) {
  EXPECT_EQ(told(billing({feature("rate_limit", "enforce", R"({"connections":{"total":1}})")}), "10.0.0.7"),
            "web depends: rate_limit@enforce  depends/simulate depends;");
}

TEST(ExplanationTest, SettingsThatCannotBeReadAreTold) {
  EXPECT_NE(told(billing({feature("policy", "enforce", R"({"default":"perhaps"})")}), "10.0.0.7").find("default"),
            std::string::npos);
}

}  // namespace
}  // namespace loam::fleet
