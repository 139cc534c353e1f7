#include <fstream>

#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

class PolicyCliTest : public CliFixture {
 protected:
  std::string write(const std::string& text) const {
    const std::string path = directory / "draft.yaml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
};

TEST_F(PolicyCliTest, FromTheRecordToASimulatedPolicy) {
  fill();
  const Ran draft = run({"policy", "generate", "checkout.shop"});
  ASSERT_EQ(draft.status, kOk) << draft.err;
  EXPECT_EQ(draft.out.rfind("# Who may call checkout.shop", 0), 0u) << draft.out;
  EXPECT_NE(draft.out.find("# samples: 2 connections of 1 callers; oldest evidence:"), std::string::npos) << draft.out;
  EXPECT_NE(draft.out.find("# coverage: web-1"), std::string::npos) << draft.out;
  EXPECT_NE(draft.out.find("\"frontend\""), std::string::npos) << draft.out;
  const std::string file = write(draft.out);
  EXPECT_EQ(run({"policy", "simulate", "checkout.shop", "--settings", file, "--window", "7d"}).status, kOk);
  stop();
  start();  // the topology is read at the start, and then only now and then
  const auto known = [this] { return run({"flag", "preview", "checkout.shop", "observe", "off"}).status != kNotFound; };
  for (int i = 0; i < 500 && !known(); ++i) std::this_thread::sleep_for(milliseconds(10));
  const Ran set = run({"flag", "set", "checkout.shop", "policy", "simulate", "--settings", file, "--reason", "a test"});
  ASSERT_EQ(set.status, kOk) << set.err;
  const Ran now = run({"policy", "simulate", "checkout.shop"});
  EXPECT_EQ(now.status, kOk) << now.err;
  EXPECT_NE(now.err.find("0 of 2 connections would be denied (asked of the record)"), std::string::npos) << now.err;
}

TEST_F(PolicyCliTest, WhatWouldBeDeniedIsNamedAndEndsWithFive) {
  fill();
  const Ran ran = run({"policy", "simulate", "checkout.shop", "--settings", R"({"default":"deny"})"});
  EXPECT_EQ(ran.status, kNotReady) << ran.err;
  EXPECT_NE(ran.out.find("frontend"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("would be"), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("2 of 2 connections would be denied"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("coverage: web-1"), std::string::npos) << ran.err;
  const Ran named = run({"policy", "simulate", "checkout.shop", "--settings", R"({"default":"deny"})", "-o", "name"});
  EXPECT_EQ(named.out, "frontend:80/default\n");
}

TEST_F(PolicyCliTest, TheDraftAsJsonHasItsEvidenceAsFields) {
  fill();
  const Ran draft = run({"policy", "generate", "checkout.shop", "-o", "json"});
  const auto value = parseJson(draft.out);
  ASSERT_TRUE(value) << draft.out;
  for (const char* member : {"settings", "samples", "oldest", "age_seconds", "rules", "header"})
    EXPECT_TRUE(value->isMember(member)) << member;
}

TEST_F(PolicyCliTest, WhatCannotBeIsToldWithItsStatus) {
  fill();
  EXPECT_EQ(run({"policy", "generate", "nobody"}).status, kNotFound);
  EXPECT_EQ(run({"policy", "generate", "frontend"}).status, kNotReady) << "nobody calls it";
  EXPECT_EQ(run({"policy", "simulate", "checkout.shop", "--settings", "/nonexistent"}).status, kUsage);
  EXPECT_EQ(run({"policy", "simulate", "checkout.shop", "--settings", "{"}).status, kUsage);
  const Ran list = run({"policy", "simulate", "checkout.shop", "--settings", write("- 1\n")});
  EXPECT_EQ(list.status, kUsage);
  EXPECT_NE(list.err.find("draft.yaml:1:1: expected a mapping"), std::string::npos) << list.err;
  EXPECT_EQ(run({"policy", "simulate", "checkout.shop", "--settings", write("defualt: deny\n")}).status, kUsage);
  EXPECT_EQ(run({"policy"}).status, kUsage);
}

}  // namespace
}  // namespace loam::cli
