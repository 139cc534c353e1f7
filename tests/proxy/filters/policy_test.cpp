#include "proxy/filters/policy.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

constexpr std::string_view kConnections =
    R"({"default": "deny", "rules": [{"name": "web", "action": "allow", "match": {"sources": ["web"], "ports": [8080]}}]})";

TEST(PolicySettingsTest, NeverDenyByBeingThere) {
  const auto settings = good<PolicySettings>("{}", Purpose::Keep);
  EXPECT_EQ(settings.byDefault, PolicyAction::Allow);
  EXPECT_FALSE(settings.closeWithin);
  expectProblems<PolicySettings>({
      {"{}", {{"", "the policy has no effect"}}},
      {R"({"rules": [{"name": "a", "action": "allow"}]})", {{"/rules", "the policy has no effect"}}},
      {R"({"default": "allow"})", {{"/default", "the policy has no effect"}}},
  });
}

TEST(PolicySettingsTest, TellRulesOnConnectionsFromRulesOnExchanges) {
  EXPECT_FALSE(good<PolicySettings>(kConnections).actsOnExchanges());
  EXPECT_TRUE(good<PolicySettings>(kConnections).actsOnConnections());
  for (const char* more :
       {R"("match": {"methods": ["GET"]})", R"("match": {"paths": ["/a"]})", R"("jwt": {"issuer": "sso"})"}) {
    const std::string document = R"({"issuers": [{"name": "sso", "issuer": "i", "keys": [
        {"kid": "1", "kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "x": "11qY"}]}],
        "rules": [{"name": "a", "action": "deny", )" +
                                 std::string(more) + "}]}";
    EXPECT_TRUE(good<PolicySettings>(document).actsOnExchanges()) << more;
    EXPECT_FALSE(good<PolicySettings>(document).actsOnConnections()) << more;
    expectWritesWhatItReads<PolicySettings>(document);
  }
}

TEST(PolicySettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<PolicySettings>({
      {R"({"default": "deny", "rules": [{"name": "a", "action": "allow", "match": {"ports": [1]}},
                                        {"name": "a", "action": "deny", "match": {"ports": [2]}}]})",
       {{"/rules/1/name", "\"a\" is the name of item 0 already"}}},
      {R"({"default": "deny", "rules": [{"name": "a", "action": "allow"}, {"name": "b", "action": "deny", "match": {}}]})",
       {{"/rules/0", "never reached"}}},
      {R"({"default": "deny", "rules": [{"name": "a", "action": "drop", "match": {"source": ["web"]}}, {}]})",
       {{"/rules/0/action", "one of allow, deny"},
        {"/rules/0/match/source", "did you mean sources?"},
        {"/rules/1", "\"name\" is missing"},
        {"/rules/1", "\"action\" is missing"}}},
      {R"({"default": "deny", "rules": [{"name": "a", "action": "allow", "jwt": {"issuer": "sso"}}]})",
       {{"/rules/0/jwt/issuer", "no issuer has the name \"sso\""}}},
      {R"({"default": "deny", "close_within": "31d"})", {{"/close_within", "from 0s to 30d"}}},
      {R"({"rules": [{"name": "a", "action": "no"}]})", {{"/rules/0/action", "one of allow, deny"}}},
  });
}

}  // namespace
}  // namespace loam::filters
