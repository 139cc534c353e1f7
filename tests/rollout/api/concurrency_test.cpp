#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kFlag = "/v1/services/*/features/observe";
constexpr const char* kSettings = "/v1/services/cart/settings";

/// Several people at one controller, none of whom overwrites what he has not seen.
class ConcurrencyTest : public ControllerFixture {
 protected:
  http::Response patch(const std::string& target, const std::string& body, Headers headers) const {
    headers.emplace_back("Content-Type", "application/merge-patch+json");
    return send({.method = "PATCH", .target = target, .headers = std::move(headers), .body = body});
  }
  http::Response postWithKey(const std::string& target, const std::string& body, const std::string& key) const {
    return send({.method = "POST",
                 .target = target,
                 .headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", key}},
                 .body = body});
  }
  static Json::Value bodyOf(const http::Response& response) { return parseJson(response.body).value_or(Json::Value()); }
  std::string etag(const std::string& target) const { return std::string(get(target).header("etag")); }
  /// Somebody else changes the flag.
  void sample(const std::string& percent) {
    const auto done = patch(kFlag, R"({"stage":"sampled","percent":")" + percent + R"(","reason":"bo's"})",
                            {{"If-Match", etag(kFlag)}});
    ASSERT_EQ(done.status, 200) << done.body;
  }
};

TEST_F(ConcurrencyTest, AnAnswerIsReplayedToWhoeverGotItAndToNobodyElse) {
  // All of one person, who is the same "who" whatever she shows.
  ASSERT_EQ(post("/v1/users", R"({"name":"ada","role":"admin"})").status, 201);
  const std::string all = secretOf("all", "operator", R"(,"user":"ada")");
  const std::string part = secretOf("part", "operator", R"(,"user":"ada","services":["cart"])");
  const std::string reads = secretOf("reads", "viewer", R"(,"user":"ada")");
  const std::string other = secretOf("other", "operator", R"(,"user":"ada")");
  const auto ask = [this](const std::string& token, const std::string& target, const std::string& body) {
    return sendAs(token, {.method = "POST",
                          .target = target,
                          .headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", "k"}},
                          .body = body});
  };
  const std::pair<const char*, const char*> asked[] = {
      {"/v1/freezes", R"({"service":"web","reason":"x"})"},
      {"/v1/kill", R"({"service":"web"})"},
      {"/v1/changes", R"({"edits":[{"service":"*","feature":"observe","stage":"off"}]})"},
      {"/v1/import", R"({"services":{"web":{"owner":"ada"}},"reason":"x"})"}};
  for (const auto& [target, body] : asked) {
    const auto first = ask(all, target, body);
    ASSERT_EQ(first.status / 100, 2) << first.body;
    const auto again = ask(all, target, body);
    EXPECT_EQ(again.body, first.body) << target;
    EXPECT_EQ(again.header("idempotent-replayed"), "true") << target;
    EXPECT_EQ(ask(reads, target, body).status, 403) << target;
    EXPECT_EQ(ask(other, target, body).header("idempotent-replayed"), "") << target;
    const auto narrower = ask(part, target, body);
    EXPECT_EQ(narrower.header("idempotent-replayed"), "") << target;
    // What is so already is nothing that would change.
    EXPECT_EQ(narrower.status, std::string_view(target) == "/v1/import" ? 200 : 403) << target << narrower.body;
  }
}

TEST_F(ConcurrencyTest, E6_APatchNeedsToSayWhatWasSeen) {
  const std::string body = R"({"stage":"off","reason":"a test"})";
  EXPECT_EQ(etag(kFlag), "\"0\"");
  EXPECT_EQ(patch(kFlag, body, {}).status, 428);
  EXPECT_EQ(patch(kFlag, body, {{"If-Match", ""}}).status, 428);
  for (const char* wrong : {"7", "\"", "\"a", "0, 1", "W/0"}) {
    EXPECT_EQ(patch(kFlag, body, {{"If-Match", wrong}}).status, 400) << wrong;
  }
  for (const char* stale : {"\"7\"", "W/\"0\"", "\"\"", "\"abc\"", "\"7\", \"8\"", "\"00000000000000000000000001\""}) {
    EXPECT_EQ(patch(kFlag, body, {{"If-Match", stale}}).status, 412) << stale;
  }
  EXPECT_EQ(json(kFlag)["stage"], "on");
  EXPECT_EQ(patch(kFlag, body, {{"If-Match", "\"7\", \"0\""}}).status, 200);
  const auto any = patch(kFlag, R"({"stage":"on","reason":"a test"})", {{"If-Match", "*"}});
  EXPECT_EQ(any.status, 200);
  EXPECT_EQ(any.header("etag"), etag(kFlag));
  EXPECT_EQ(patch(kSettings, R"({"owner":"a"})", {}).status, 428);
}

TEST_F(ConcurrencyTest, E6_AStaleOneIsToldWhoChangedWhat) {
  sample("10");
  const std::string seen = etag(kFlag);
  sample("25");
  const auto refused = patch(kFlag, R"({"percent":"50","reason":"ada's"})", {{"If-Match", seen}});
  ASSERT_EQ(refused.status, 412);
  EXPECT_EQ(refused.header("etag"), etag(kFlag));
  const Json::Value problem = bodyOf(refused);
  EXPECT_EQ(problem["code"], "stale");
  EXPECT_EQ("\"" + std::to_string(problem["current"]["revision"].asUInt64()) + "\"", etag(kFlag));
  EXPECT_EQ(problem["current"]["reason"], "bo's");
  EXPECT_TRUE(problem["current"].isMember("changed_by"));
  EXPECT_TRUE(problem["current"].isMember("changed_at"));
  ASSERT_EQ(problem["diff"].size(), 1u) << refused.body;
  EXPECT_EQ(problem["diff"][0]["path"], "/percent");
  EXPECT_EQ(problem["diff"][0]["from"], "10");
  EXPECT_EQ(problem["diff"][0]["value"], "25");
  EXPECT_FALSE(problem["mergeable"].asBool());
  EXPECT_EQ(patch(kFlag, R"({"percent":"50","reason":"x"})", {{"If-Match", seen}, {"Prefer", "merge"}}).status, 412);
}

TEST_F(ConcurrencyTest, E6_DisjointMembersAreMergedForWhoAsks) {
  sample("10");
  const std::string seen = etag(kFlag);
  sample("25");
  const std::string exclude = R"({"exclude":["noisy"],"reason":"ada's"})";
  const auto refused = patch(kFlag, exclude, {{"If-Match", seen}});
  ASSERT_EQ(refused.status, 412);
  EXPECT_TRUE(bodyOf(refused)["mergeable"].asBool()) << refused.body;
  const auto merged = patch(kFlag, exclude, {{"If-Match", seen}, {"Prefer", "respond-async, merge"}});
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(merged.header("preference-applied"), "merge");
  EXPECT_EQ(bodyOf(merged)["percent"], "25");
  EXPECT_EQ(bodyOf(merged)["exclude"][0], "noisy");
  // Half of one stage is not half of another: the two are one member.
  sample("30");
  EXPECT_EQ(patch(kFlag, R"({"stage":"off","reason":"x"})", {{"If-Match", seen}, {"Prefer", "merge"}}).status, 412);
}

TEST_F(ConcurrencyTest, E6_WhatNobodyCanTellApartIsNotMerged) {
  sample("10");
  const auto refused =
      patch(kFlag, R"({"exclude":["x"],"reason":"x"})", {{"If-Match", "\"999\""}, {"Prefer", "merge"}});
  EXPECT_EQ(refused.status, 412);
  EXPECT_FALSE(bodyOf(refused)["mergeable"].asBool());
  EXPECT_FALSE(bodyOf(refused).isMember("diff"));
}

TEST_F(ConcurrencyTest, E6_SettingsOfAServiceAreMergedToo) {
  ASSERT_EQ(patch(kSettings, R"({"owner":"team-a"})", {{"If-Match", "\"0\""}}).status, 200);
  const auto merged = patch(kSettings, R"({"tier":"gold"})", {{"If-Match", "\"0\""}, {"Prefer", "merge"}});
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(bodyOf(merged)["owner"], "team-a");
  EXPECT_EQ(bodyOf(merged)["tier"], "gold");
  EXPECT_EQ(patch(kSettings, R"({"owner":"team-b"})", {{"If-Match", "\"0\""}, {"Prefer", "merge"}}).status, 412);
  const auto none = patch(kSettings, R"({"owner":null})", {{"If-Match", etag(kSettings)}});
  EXPECT_EQ(bodyOf(none)["owner"], "");
}

TEST_F(ConcurrencyTest, APatchIsAMergeAndNullGoesBackToTheBeginning) {
  sample("10");
  const auto off = patch(kFlag, R"({"percent":null,"reason":"x"})", {{"If-Match", etag(kFlag)}});
  EXPECT_EQ(bodyOf(off)["percent"], "100") << off.body;
  const auto begin = patch(kFlag, R"({"stage":null,"reason":"x"})", {{"If-Match", etag(kFlag)}});
  EXPECT_EQ(bodyOf(begin)["stage"], "on");
  const std::string before = etag(kFlag);
  EXPECT_EQ(patch(kFlag, R"({"stage":"on","reason":"x"})", {{"If-Match", before}}).status, 200);
  EXPECT_EQ(etag(kFlag), before);  // it was so already
}

TEST_F(ConcurrencyTest, APatchThatCannotBeIsRefusedWithItsPlaces) {
  const Headers seen = {{"If-Match", "\"0\""}};
  EXPECT_EQ(patch(kFlag, R"({"stage":"off"})", seen).status, 400);  // no reason
  for (const char* body : {"{", "[]", R"({"stgae":"on","reason":"x"})", R"({"percent":"200","reason":"x"})",
                           R"({"expires":"tomorrow","reason":"x"})"}) {
    EXPECT_EQ(patch(kFlag, body, seen).status, 400) << body;
  }
  const auto invalid = patch(kFlag, R"({"stage":"onn","reason":"x"})", seen);
  EXPECT_EQ(invalid.status, 422);
  EXPECT_EQ(bodyOf(invalid)["errors"][0]["pointer"], "/edits/0/stage");
  EXPECT_EQ(
      patch("/v1/services/cart/features/timeouts", R"({"stage":"on","settings":{"request":"5s"},"reason":"x"})", seen)
          .status,
      422);
  EXPECT_EQ(patch("/v1/services/cart/features/nothing", R"({"stage":"on","reason":"x"})", seen).status, 404);
  EXPECT_EQ(json("/v1/changes")["changes"].size(), 0u);
}

TEST_F(ConcurrencyTest, E6_ARepeatedPostIsAnsweredTheSameAndDoneOnce) {
  const std::string body = R"({"edits":[{"service":"*","feature":"observe","stage":"off"}]})";
  const auto first = postWithKey("/v1/changes", body, "k-1");
  ASSERT_EQ(first.status, 201) << first.body;
  const auto again = postWithKey("/v1/changes", body, "k-1");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("location"), first.header("location"));
  EXPECT_EQ(again.header("idempotent-replayed"), "true");
  EXPECT_EQ(json("/v1/changes")["changes"].size(), 1u);
  const auto other =
      postWithKey("/v1/changes", R"({"edits":[{"service":"*","feature":"observe","stage":"on"}]})", "k-1");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(bodyOf(other)["code"], "key_reused");
  EXPECT_EQ(postWithKey("/v1/changes", body, "k-2").status, 201);
  EXPECT_EQ(postWithKey("/v1/changes", body, std::string(201, 'k')).status, 400);
}

TEST_F(ConcurrencyTest, E6_WhatWasAppliedUnderAKeyIsKnownAfterARestart) {
  const Json::Value change =
      bodyOf(post("/v1/changes", R"({"edits":[{"service":"*","feature":"observe","stage":"off"}]})"));
  const std::string target = "/v1/changes/" + change["id"].asString() + "/apply";
  const std::string body = R"({"hash":")" + change["hash"].asString() + R"(","reason":"a test"})";
  const auto applied = postWithKey(target, body, "apply-1");
  ASSERT_EQ(applied.status, 200) << applied.body;
  stop();
  start();
  const auto again = postWithKey(target, body, "apply-1");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, applied.body);
  EXPECT_EQ(post(target, body).status, 409);  // without the key it is another request
}

TEST_F(ConcurrencyTest, ARefusalIsNoAnswerToKeep) {
  const std::string target = "/v1/changes/ch-nothing/apply";
  EXPECT_EQ(postWithKey(target, R"({"hash":"x","reason":"r"})", "k").status, 404);
  EXPECT_EQ(postWithKey(target, R"({"hash":"y","reason":"r"})", "k").status, 404);
}

TEST_F(ConcurrencyTest, ListsComeInPagesInOneWay) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(bodyOf(post("/v1/changes", R"({"edits":[{"service":"*","feature":"observe","stage":"off"}]})"))["id"]
                      .asString());
  }
  for (const char* list : {"/v1/changes", "/v1/audit", "/v1/flags?service=cart"}) {
    const std::string name = std::string(list) == "/v1/audit" ? "events" : list[4] == 'f' ? "flags" : "changes";
    const std::string glue = std::string(list).find('?') == std::string::npos ? "?" : "&";
    const Json::Value whole = json(std::string(list) + glue + "most=10000");
    EXPECT_FALSE(whole.isMember("next"));
    Json::Value joined(Json::arrayValue);
    std::string target = std::string(list) + glue + "most=2";
    for (int pages = 0; !target.empty() && pages < 20; ++pages) {
      const auto page = get(target);
      ASSERT_EQ(page.status, 200) << page.body;
      EXPECT_LE(bodyOf(page)[name].size(), 2u);
      const Json::Value body = bodyOf(page);
      for (const Json::Value& item : body[name]) joined.append(item);
      const std::string link(page.header("link"));
      EXPECT_EQ(link.empty(), !bodyOf(page).isMember("next"));
      target = link.empty() ? "" : link.substr(1, link.find('>') - 1);
    }
    EXPECT_EQ(writeJson(joined), writeJson(whole[name])) << list;
  }
}

TEST_F(ConcurrencyTest, E5_ParametersOfListsAreReadStrictly) {
  for (const char* list : {"/v1/changes", "/v1/audit", "/v1/flags", "/v1/fleet"}) {
    for (const char* wrong : {"most=0", "most=10001", "most=-1", "most=1;DROP%20TABLE%20events", "most=x", "after=12",
                              "after=p1-zz", "after=p1-", "after=%27%20OR%201=1", "sort=revision;--", "moest=1"}) {
      EXPECT_EQ(get(std::string(list) + "?" + wrong).status, 400) << list << "?" << wrong;
    }
  }
  for (const char* text : {"%25", "_", "%27%20OR%20%271%27=%271", "%22;DROP%20TABLE%20documents;--"}) {
    EXPECT_EQ(json("/v1/flags?service=" + std::string(text) + "&feature=nothing")["flags"].size(), 0u) << text;
    EXPECT_EQ(json("/v1/audit?kind=" + std::string(text))["events"].size(), 0u) << text;
    EXPECT_EQ(json("/v1/audit?who=" + std::string(text))["events"].size(), 0u) << text;
  }
}

TEST_F(ConcurrencyTest, E7_BodiesThatAreNoneAreRefusedWholeAndKeptNowhere) {
  std::string keys = "{";
  for (int i = 0; i < 60'000; ++i) keys += "\"k" + std::to_string(i) + "\":1,";
  keys.back() = '}';
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"depth", std::string(65, '[') + std::string(65, ']')},
      {"depth in settings",
       R"({"flags":{"a":{"policy":{"stage":"off","settings":)" + std::string(70, '[') + std::string(70, ']') + "}}}}"},
      {"keys", keys},
      {"duplicate keys", R"({"reason":"a","reason":"b"})"},
      {"invalid UTF-8", "{\"reason\":\"\xff\xfe\"}"},
      {"NaN", R"({"prune":NaN})"},
      {"a list", "[]"},
      {"a text", "\"x\""},
      {"trailing text", "{} {}"}};
  for (const char* target : {"/v1/import", "/v1/import?dry_run=true", "/v1/changes", "/v1/freezes"}) {
    for (const auto& [what, body] : wrong) EXPECT_EQ(post(target, body).status, 400) << target << ": " << what;
    EXPECT_EQ(post(target, std::string(1024 * 1024 + 1, ' ')).status, 413) << target;
  }
  EXPECT_EQ(json("/v1/audit")["events"].size(), 0u);
}

TEST_F(ConcurrencyTest, E8_NamesAreNeverPaths) {
  for (const char* id : {"..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00b", "..%5c..", "%2froot"}) {
    EXPECT_EQ(get("/v1/changes/" + std::string(id)).status, 404) << id;
    EXPECT_EQ(get("/v1/fleet/" + std::string(id)).status, 404) << id;
    EXPECT_EQ(get("/v1/fleet/" + std::string(id) + "/snapshot").status, 404) << id;
    EXPECT_EQ(send({.method = "DELETE", .target = "/v1/freezes/" + std::string(id)}).status, 404) << id;
  }
}

TEST_F(ConcurrencyTest, F5_AStoreThatAnotherProgramHoldsIsBusyAndNothingIsLost) {
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(settings.control.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::string body = R"({"edits":[{"service":"*","feature":"observe","stage":"off"}]})";
  const auto busy = postWithKey("/v1/changes", body, "k");
  EXPECT_EQ(busy.status, 503) << busy.body;
  EXPECT_NE(busy.header("retry-after"), "");
  EXPECT_EQ(json("/v1/changes")["changes"].size(), 0u);
  EXPECT_EQ(json(kFlag)["stage"], "on");  // who reads is answered
  sqlite3_close(other);
  EXPECT_EQ(postWithKey("/v1/changes", body, "k").status, 201);
}

}  // namespace
}  // namespace loam
