#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

class ExplainCliTest : public CliFixture {
 protected:
  /// web-1 stands beside checkout.shop, refuses frontend and said so.
  void refuse() {
    auto seen = report(1);
    seen.edges[0].vantage = "inbound";
    seen.verdicts.push_back({.client = *IpAddress::parse("10.0.0.1"),
                             .destination = *SocketAddress::parse("10.0.0.2:80"),
                             .identity = {},
                             .feature = "policy",
                             .rule = "default",
                             .enforced = true,
                             .start = seen.from / 10'000 * 10,
                             .count = 3,
                             .generation = 41});
    ASSERT_EQ(post("/v1/reports", wire::encode(seen)).status, 200);
    stop();
    start();  // the topology is read at the start, and then only now and then
    const auto known = [this] { return run({"explain", "frontend", "checkout.shop"}).status == kOk; };
    for (int i = 0; i < 500 && !known(); ++i) std::this_thread::sleep_for(milliseconds(10));
    const Ran set = run({"flag", "set", "checkout.shop", "policy", "enforce", "--settings", R"({"default":"deny"})",
                         "--reason", "CHG-7"});
    ASSERT_EQ(set.status, kOk) << set.err;
    wire::Watch watch;
    watch.proxy = "web-1";
    watch.version = "x";
    watch.capabilities = {"policy.enforce", "policy.simulate"};
    ASSERT_EQ(post("/v1/watch", wire::encode(watch)).status, 200);
  }
};

TEST_F(ExplainCliTest, SaysWhyAndWhatOneStageEarlierWouldHaveDone) {
  refuse();
  const Ran ran = run({"explain", "frontend", "checkout.shop:80"});
  EXPECT_EQ(ran.status, kOk) << ran.err;
  for (const char* said :
       {"frontend (10.0.0.1) -> checkout.shop (10.0.0.2:80) in plaintext, at web-1: refused",
        "cause         policy, default", "enforce, revision ", ": CHG-7", "snapshot      generation ",
        "at simulate, one stage earlier, it would be carried, and counted as would-be-denied", "41"}) {
    EXPECT_NE(ran.out.find(said), std::string::npos) << said << "\n" << ran.out;
  }
  EXPECT_EQ(run({"explain", "10.0.0.1", "10.0.0.2:80", "-o", "name"}).out, "10.0.0.1>10.0.0.2:80=denied\n");
}

TEST_F(ExplainCliTest, WhomNobodyKnowsIsNotFound) {
  refuse();
  const Ran ran = run({"explain", "frontend", "checkout.shp"});
  EXPECT_EQ(ran.status, kNotFound);
  EXPECT_NE(ran.err.find("did you mean checkout.shop"), std::string::npos) << ran.err;
  EXPECT_EQ(run({"explain", "frontend"}).status, kUsage);
}

}  // namespace
}  // namespace loam::cli
