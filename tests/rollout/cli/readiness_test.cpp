#include "tests/rollout/api/mtls_ground.h"
#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

/// `loam readiness`, and what it is asked for before.
class ReadinessCliTest : public MtlsGround<CliFixture> {
 protected:
  Ran readiness(std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"readiness", "checkout.shop", "mtls"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  static bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }
};

TEST_F(ReadinessCliTest, WhoBlocksIsNamedWithWhyAndEndsWithFive) {
  came(1, "unprobed");
  learn();
  const Ran ran = readiness({"--to", "strict"});
  EXPECT_EQ(ran.status, kNotReady) << ran.err;
  for (const char* title : {"SOURCE", "CONNS", "SHARE%", "MTLS%", "REASON", "LAST PLAINTEXT", "BLOCKS", "WHY"})
    EXPECT_TRUE(says(ran.out, title)) << title << "\n" << ran.out;
  for (const char* cell : {"frontend", "100", "caller_without_proxy", "YES", "plaintext within 8d"})
    EXPECT_TRUE(says(ran.out, cell)) << cell << "\n" << ran.out;
  EXPECT_TRUE(says(ran.out, "FAIL  no plaintext from any caller: frontend (plaintext within 8d)\n")) << ran.out;
  EXPECT_TRUE(says(ran.out, "FAIL  prefer at 100 %: it is off and not for all\n")) << ran.out;
  EXPECT_TRUE(says(ran.err, "not known: the record reaches back")) << ran.err;
  EXPECT_TRUE(says(ran.err, "not ready: 0 % of the callers are\n")) << ran.err;
  EXPECT_EQ(readiness().out, ran.out) << "strict by default";

  const Ran named = readiness({"-o", "name"});
  EXPECT_EQ(named.out, "frontend\n");
  EXPECT_EQ(named.status, kNotReady);
  const Ran json = readiness({"-o", "json"});
  EXPECT_EQ(json.status, kNotReady);
  const auto value = parseJson(json.out);
  ASSERT_TRUE(value) << json.out;
  EXPECT_EQ((*value)["callers"][0]["caller"].asString(), "frontend");
  EXPECT_FALSE((*value)["ready"].asBool());
}

TEST_F(ReadinessCliTest, OfServeWhoWouldBeRefusedIsNamed) {
  came(1, "");
  learn();
  ASSERT_EQ(setFeature("serve", "simulate"), 200);
  const std::vector<std::string> asked{"readiness", "checkout.shop", "serve", "--to", "on"};
  const Ran ready = run(asked);
  EXPECT_EQ(ready.status, kOk) << ready.out << ready.err;
  EXPECT_TRUE(says(ready.out, "pass  nobody would be refused\n")) << ready.out;
  refuse(2, "serve", "bare_lf", 3);
  const Ran ran = run(asked);
  EXPECT_EQ(ran.status, kNotReady) << ran.out << ran.err;
  for (const char* cell : {"SOURCE", "REFUSED", "LAST REFUSED", "frontend", "YES", "bare_lf 3"})
    EXPECT_TRUE(says(ran.out, cell)) << cell << "\n" << ran.out;
  EXPECT_TRUE(says(ran.out, "FAIL  nobody would be refused: frontend (bare_lf 3)\n")) << ran.out;
  EXPECT_EQ(run({"readiness", "checkout.shop", "serve"}).out, ran.out) << "the last stage by default";
}

TEST_F(ReadinessCliTest, ReadyEndsWithZero) {
  came(1, "mutual");
  learn();
  acknowledge();
  prefer();
  const Ran ran = readiness({"--to", "strict"});
  EXPECT_EQ(ran.status, kOk) << ran.out << ran.err;
  EXPECT_FALSE(says(ran.out, "FAIL")) << ran.out;
  EXPECT_TRUE(says(ran.out, "pass  no plaintext from any caller\n")) << ran.out;
  EXPECT_FALSE(says(ran.err, "not ready")) << ran.err;
}

TEST_F(ReadinessCliTest, WhatCannotBeIsToldWithItsStatus) {
  came(1, "");
  learn();
  const Ran unknown = run({"readiness", "checkout.shp", "mtls"});
  EXPECT_EQ(unknown.status, kNotFound);
  EXPECT_TRUE(says(unknown.err, "did you mean checkout.shop?")) << unknown.err;
  EXPECT_EQ(run({"readiness"}).status, kUsage);
  EXPECT_EQ(run({"readiness", "checkout.shop"}).status, kUsage);
  EXPECT_EQ(run({"readiness", "checkout.shop", "retries"}).status, kUsage);
  EXPECT_EQ(readiness({"--to", "off"}).status, kUsage);
  EXPECT_EQ(readiness({"--from", "strict"}).status, kUsage);
  stop();
  EXPECT_EQ(readiness().status, kUnreachable);
}

TEST_F(ReadinessCliTest, ARiskIsTakenByNameAndWithAReasonOrNotAtAll) {
  came(1, "unprobed");
  learn();
  acknowledge();
  prefer();
  const auto set = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"flag", "set", "checkout.shop", "mtls", "strict"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const auto history = [&] { return run({"flag", "history", "checkout.shop", "mtls", "-o", "json"}).out; };
  const Ran preview = run({"flag", "preview", "checkout.shop", "mtls", "strict"});
  EXPECT_EQ(preview.status, kNotReady);
  EXPECT_TRUE(says(preview.out, "FAIL")) << preview.out;
  const Ran refused = set({"--reason", "CHG-7"});
  EXPECT_EQ(refused.status, kNotReady) << refused.out;
  EXPECT_TRUE(says(refused.err, "frontend (plaintext within 8d)")) << refused.err;
  EXPECT_EQ(set({"--accept-risk"}).status, kUsage) << "without a reason";
  EXPECT_EQ(set({"--accept-risk", "--reason", ""}).status, kUsage);
  EXPECT_FALSE(says(history(), "CHG-7"));
  EXPECT_TRUE(json("/v1/changes")["changes"].empty()) << "what was not applied is not left lying about";

  const Ran accepted = set({"--accept-risk", "--reason", "CHG-7"});
  ASSERT_EQ(accepted.status, kOk) << accepted.err;
  EXPECT_TRUE(says(history(), "CHG-7 [risk accepted: no plaintext from any caller: frontend (plaintext within 8d)]"))
      << history();
}

TEST_F(ReadinessCliTest, AKeptChangeIsAppliedAtItsRiskToo) {
  came(1, "unprobed");
  learn();
  acknowledge();
  prefer();
  const Ran kept = run({"flag", "preview", "checkout.shop", "mtls", "strict", "--keep"});
  EXPECT_EQ(kept.status, kNotReady) << kept.err;
  const std::string id = json("/v1/changes")["changes"][0]["id"].asString();
  EXPECT_EQ(run({"change", "apply", id, "--reason", "CHG-9"}).status, kNotReady);
  EXPECT_EQ(run({"change", "apply", id, "--accept-risk"}).status, kUsage);
  EXPECT_EQ(run({"change", "apply", id, "--accept-risk", "--reason", "CHG-9"}).status, kOk);
  EXPECT_TRUE(says(run({"flag", "history", "checkout.shop", "mtls", "-o", "json"}).out, "CHG-9 [risk accepted: "));
}

}  // namespace
}  // namespace loam::cli
