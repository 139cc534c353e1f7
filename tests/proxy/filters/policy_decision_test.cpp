#include "proxy/filters/policy_decision.h"

#include "settings_table.h"

namespace loam::filters {
namespace {

struct Asked {
  std::string client = "10.0.0.7";
  std::string caller{};
  std::string identity{};
  std::uint16_t port = 5432;
};

/// "deny default", "allow web", "allow reads?" where the exchange decides.
std::string ask(const PolicySettings& settings, const Asked& asked) {
  const filter::ConnectionView view{.client = {*IpAddress::parse(asked.client), 0},
                                    .destination = {*IpAddress::parse("10.0.0.2"), asked.port},
                                    .vantage = relay::Vantage::Inbound,
                                    .caller = asked.caller,
                                    .identity = asked.identity};
  const PolicyDecision decision = decide(view, settings);
  return (decision.action == PolicyAction::Allow ? "allow " : "deny ") + std::string(decision.rule) +
         (decision.exchangeDecides ? "?" : "");
}

TEST(PolicyDecisionTest, TheFirstRuleThatFitsDecidesThenTheDefault) {
  const auto settings = good<PolicySettings>(R"({"default": "deny", "rules": [
      {"name": "no-cron", "action": "deny", "match": {"sources": ["cron"]}},
      {"name": "lan", "action": "allow", "match": {"sources": ["10.0.0.0/24", "fd00::/8"], "ports": [5432, 5433]}},
      {"name": "web", "action": "allow", "match": {"sources": ["web"]}}]})");
  EXPECT_EQ(ask(settings, {.caller = "cron"}), "deny no-cron");
  EXPECT_EQ(ask(settings, {}), "allow lan");
  EXPECT_EQ(ask(settings, {.client = "fd00::1"}), "allow lan");
  EXPECT_EQ(ask(settings, {.client = "10.0.1.7"}), "deny default");
  EXPECT_EQ(ask(settings, {.port = 80}), "deny default");
  EXPECT_EQ(ask(settings, {.caller = "web", .port = 80}), "allow web");
  EXPECT_EQ(ask({}, {}), "allow default");
}

TEST(PolicyDecisionTest, AnIdentityFitsOnlyWhenItIsProven) {
  const auto settings = good<PolicySettings>(R"({"default": "deny", "rules": [
      {"name": "one", "action": "allow", "match": {"sources": ["spiffe://loam/proxy/node-a"]}},
      {"name": "some", "action": "allow", "match": {"sources": ["spiffe://loam/proxy/web-*"]}}]})");
  EXPECT_EQ(ask(settings, {}), "deny default");
  EXPECT_EQ(ask(settings, {.caller = "spiffe://loam/proxy/node-a"}), "deny default");
  EXPECT_EQ(ask(settings, {.identity = "spiffe://loam/proxy/node-a"}), "allow one");
  EXPECT_EQ(ask(settings, {.identity = "spiffe://loam/proxy/node-a2"}), "deny default");
  EXPECT_EQ(ask(settings, {.identity = "spiffe://loam/proxy/web-17"}), "allow some");
  EXPECT_EQ(ask(settings, {.identity = "spiffe://loam/proxy/we"}), "deny default");
}

TEST(PolicyDecisionTest, WhomNobodyKnowsFitsNoNameAndNobodyIsInAZone) {
  const auto settings = good<PolicySettings>(R"({"rules": [
      {"name": "web", "action": "deny", "match": {"sources": ["web"]}},
      {"name": "far", "action": "deny", "match": {"sources": ["zone:eu-1"]}}]})");
  EXPECT_EQ(ask(settings, {}), "allow default");
  EXPECT_EQ(ask(settings, {.caller = "eu-1"}), "allow default");
}

TEST(PolicyDecisionTest, WhatAnExchangeMayBeAllowedIsNotDeniedBefore) {
  const auto settings = good<PolicySettings>(R"({"default": "deny", "rules": [
      {"name": "no-delete", "action": "deny", "match": {"methods": ["DELETE"]}},
      {"name": "reads", "action": "allow", "match": {"sources": ["web"], "methods": ["GET"]}},
      {"name": "no-web", "action": "deny", "match": {"sources": ["web"], "ports": [80]}},
      {"name": "ops", "action": "allow", "match": {"sources": ["ops"]}}]})");
  EXPECT_EQ(ask(settings, {.caller = "web"}), "allow reads?");
  EXPECT_EQ(ask(settings, {.caller = "web", .port = 80}), "allow reads?") << "a rule behind it denies as little";
  EXPECT_EQ(ask(settings, {.caller = "ops"}), "allow ops");
  EXPECT_EQ(ask(settings, {.caller = "cron"}), "deny default") << "no exchange of it could be allowed";
  const auto late = good<PolicySettings>(R"({"default": "deny", "rules": [
      {"name": "no-web", "action": "deny", "match": {"sources": ["web"]}},
      {"name": "reads", "action": "allow", "match": {"methods": ["GET"]}}]})");
  EXPECT_EQ(ask(late, {.caller = "web"}), "deny no-web") << "the rule stands before";
}

}  // namespace
}  // namespace loam::filters
