#include <gtest/gtest.h>

#include "documentation.h"
#include "proxy/base/json.h"
#include "rollout/features/feature.h"

namespace loam::features {
namespace {

Json::Value json(std::string_view text) {
  auto value = parseJson(text);
  EXPECT_TRUE(value) << text;
  return value.value_or(Json::Value());
}

std::string canonicalOf(std::string_view feature, std::string_view given) {
  std::vector<FieldProblem> problems;
  const Feature& found = *find(feature);
  const Json::Value canonical = found.settings(found.ladder.back().name, json(given), problems);
  EXPECT_TRUE(problems.empty()) << feature << ": " << text(problems);
  return writeJson(canonical);
}

TEST(CanonicalSettingsTest, OtherSpellingsOfTheSameBecomeTheSameBytes) {
  const std::vector<std::tuple<std::string, std::string, std::string>> table{
      {"observe", R"({"routes": 1e1})", R"({"routes":10})"},
      {"shadow", R"({"candidate": "c", "methods": ["HEAD", "GET"], "max_body": "1024KiB", "timeout": "60000ms"})",
       R"({"candidate":"c","max_body":"1MiB","methods":["GET","HEAD"],"timeout":"1m"})"},
      {"serve", R"({"tolerate": ["repeated_length", "bare_lf"], "keep_alive": "1440m"})",
       R"({"keep_alive":"1d","tolerate":["bare_lf","repeated_length"]})"},
      {"mtls", R"({"ports": [443, 80], "plaintext_window": "192h"})", R"({"plaintext_window":"8d","ports":[80,443]})"},
      {"policy",
       R"({"default": "deny", "rules": [{"name": "a", "action": "allow", "match": {"sources": ["web", "10.0.0.1"]}}]})",
       R"({"default":"deny","rules":[{"action":"allow","match":{"sources":["10.0.0.1/32","web"]},"name":"a"}]})"},
      {"rate_limit", R"({"limits": [{"name": "a", "rate": "0060/m", "key": "header", "header": "X-Tenant"}]})",
       R"({"limits":[{"header":"x-tenant","key":"header","name":"a","rate":"60/m"}]})"},
      {"balancing", R"({"slow_start": "0ms", "hash": null})", R"({"slow_start":"0s"})"},
      {"routing",
       R"({"rules": [{"name": "a", "match": {"hosts": ["B.example", "a.example"], "headers": {"X-A": "1"}}, "to": [{}]}]})",
       R"({"rules":[{"match":{"headers":{"x-a":"1"},"hosts":["a.example","b.example"]},"name":"a","to":[{}]}]})"},
      {"timeouts", R"({"request": "2000ms", "idle": null})", R"({"request":"2s"})"},
      {"retries", R"({"on": ["reset", "connect_failure"], "budget": {"ratio": 0.20}, "max_body": "0KiB"})",
       R"({"budget":{"ratio":0.2},"max_body":"0B","on":["connect_failure","reset"]})"},
      {"circuit_breaking", R"({"ejection": {"base": "120s"}, "caps": null})", R"({"ejection":{"base":"2m"}})"},
      {"fault", R"({"answer": {"headers": {"Content-Type": "a/b"}}, "at": "exchange"})",
       R"({"answer":{"headers":{"content-type":"a/b"}},"at":"exchange"})"},
  };
  for (const auto& [feature, given, canonical] : table) {
    EXPECT_EQ(canonicalOf(feature, given), canonical);
    EXPECT_EQ(canonicalOf(feature, canonical), canonical);
  }
  EXPECT_EQ(table.size(), registry().size());
}

TEST(CanonicalSettingsTest, TheOrderOfRulesIsKept) {
  const std::string rules = R"({"rules":[{"action":"deny","match":{"ports":[2]},"name":"b"},)"
                            R"({"action":"allow","match":{"ports":[1]},"name":"a"}]})";
  EXPECT_EQ(canonicalOf("policy", rules), rules);
}

TEST(CanonicalSettingsTest, CompleteSettingsAreGoodSettingsAndCompleteAlready) {
  const auto sections = documentation();
  for (const Feature& feature : registry()) {
    for (const Json::Value& example : sections.at(std::string(feature.name)).examples) {
      std::vector<FieldProblem> problems;
      const Json::Value complete = feature.complete(example);
      const Json::Value canonical = feature.settings(feature.ladder.back().name, complete, problems);
      EXPECT_TRUE(problems.empty()) << feature.name << ": " << text(problems);
      EXPECT_EQ(writeJson(canonical), writeJson(complete)) << feature.name;
      EXPECT_EQ(writeJson(feature.complete(complete)), writeJson(complete)) << feature.name;
    }
  }
}

TEST(CanonicalSettingsTest, CompleteSettingsHoldWhatWasGivenAndEveryDefault) {
  const auto sections = documentation();
  for (const Feature& feature : registry()) {
    const Json::Value& example = sections.at(std::string(feature.name)).examples.at(0);
    const Json::Value complete = feature.complete(example);
    for (const std::string& member : example.getMemberNames()) {
      if (example[member].isObject() || example[member].isArray()) continue;
      EXPECT_EQ(complete[member], example[member]) << feature.name << ": " << member;
    }
    for (const filters::Setting& setting : feature.outline()) {
      const bool inner = setting.path.find_first_of(".[") != std::string::npos;
      if (inner || setting.standard.empty() || setting.standard.starts_with("required")) continue;
      EXPECT_TRUE(complete.isMember(setting.path)) << feature.name << ": " << setting.path;
    }
  }
}

TEST(CanonicalSettingsTest, EveryProblemOfADocumentIsSaidAtOnce) {
  std::vector<FieldProblem> problems;
  find("routing")->settings("on", json(R"({
      "rules": [{"name": "a", "match": {"paths": ["x"], "metods": ["GET"]}, "to": [{"weight": 0}]},
                {"name": "a", "to": [{"labels": {"version": ""}}]}, 7],
      "sticky": {"by": "cookie"}, "overides": [],
      "overrides": [{"owner": "bo", "header": "h:", "value": "v", "address": "a", "expires": "2026-13-01T00:00:00Z"}]})"),
                            problems);
  std::vector<std::string> pointers;
  for (const FieldProblem& problem : problems) pointers.push_back(problem.pointer);
  EXPECT_EQ(pointers, (std::vector<std::string>{"/overides", "/rules/2", "/rules/0/match/metods",
                                                "/rules/0/match/paths/0", "/rules/0/to", "/rules/1/to/0/labels/version",
                                                "/sticky/by", "/overrides/0/header", "/overrides/0/address",
                                                "/overrides/0/expires", "/rules/1/name"}))
      << text(problems);
}

}  // namespace
}  // namespace loam::features
