#include <fstream>

#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

class ImpactCliTest : public CliFixture {
 protected:
  Ran impact(std::vector<std::string> more) const {
    std::vector<std::string> words = {"impact", "checkout.shop"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  static bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }
};

TEST_F(ImpactCliTest, WhoWouldBeAffectedIsNamedAndEndsWithFive) {
  fill();
  const Ran ran = impact({"timeouts", "--settings", R"({"request":"2ms","response":"2ms"})", "--window", "1h"});
  EXPECT_EQ(ran.status, kNotReady) << ran.err;
  EXPECT_EQ(ran.out.rfind("window    ", 0), 0u) << "first of all how good the answer can be\n" << ran.out;
  for (const char* text : {"observed  ", "; the record begins ", "captured 100% of the connections\n", "CALLER",
                           "AFFECTED", "frontend", "request 2ms", "0 to 10", "0% to 100%", "bounds", "yes"})
    EXPECT_TRUE(says(ran.out, text)) << text << "\n" << ran.out;
  EXPECT_TRUE(says(ran.err, "10 of 10 exchanges would be affected\n")) << ran.err;
  EXPECT_TRUE(says(ran.err, "proposal: request 10ms, above the p99.9 of 10 exchanges")) << ran.err;
  EXPECT_EQ(impact({"timeouts", "--settings", R"({"request":"2ms"})", "-o", "name"}).out, "frontend/request 2ms\n");
  const Ran json = impact({"timeouts", "--settings", R"({"request":"2ms"})", "-o", "json"});
  EXPECT_EQ(json.status, kNotReady);
  ASSERT_TRUE(parseJson(json.out)) << json.out;
  EXPECT_EQ((*parseJson(json.out))["verdict"].asString(), "some");
  EXPECT_TRUE(says(impact({"timeouts", "--settings", R"({"request":"2ms"})", "-o", "yaml"}).out, "verdict:"));
}

TEST_F(ImpactCliTest, NobodyForSureEndsWithZeroAndWhatIsNotKnownDoesNot) {
  fill();
  EXPECT_EQ(impact({"timeouts", "--settings", R"({"request":"1h"})"}).status, kOk);
  EXPECT_EQ(impact({"timeouts", "--settings", R"({"request":"2ms"})", "--to", "simulate"}).status, kOk);
  const Ran serve = impact({"serve"});
  EXPECT_EQ(serve.status, kNotReady);
  EXPECT_TRUE(says(serve.err, "not in the record: the strict codec: it keeps no heads")) << serve.err;
  EXPECT_TRUE(says(serve.err, "to learn it: loam flag set checkout.shop serve simulate")) << serve.err;
}

TEST_F(ImpactCliTest, WhatIsWrongWithTheSettingsIsToldByLine) {
  fill();
  const std::string path = directory / "draft.yaml";
  std::ofstream(path) << "request: 2ms\nrequest: 3ms\n";
  const Ran twice = impact({"timeouts", "--settings", path});
  EXPECT_EQ(twice.status, kUsage);
  EXPECT_TRUE(says(twice.err, "draft.yaml:2")) << twice.err;
  const Ran wrong = impact({"timeouts", "--settings", R"({"request":"fast"})"});
  EXPECT_EQ(wrong.status, kUsage);
  EXPECT_TRUE(says(wrong.err, "/settings/request")) << wrong.err;
  EXPECT_EQ(impact({"timeouts", "--settings", "/nonexistent"}).status, kUsage);
  EXPECT_EQ(impact({"nothing"}).status, kNotFound);
  EXPECT_EQ(run({"impact", "nobody", "serve"}).status, kNotFound);
  EXPECT_EQ(run({"impact", "checkout.shop"}).status, kUsage);
}

}  // namespace
}  // namespace loam::cli
