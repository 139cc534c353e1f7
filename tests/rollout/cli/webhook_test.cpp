#include "tests/rollout/cli/cli_fixture.h"
#include "tests/support/webhook_receiver.h"

namespace loam::cli {
namespace {

class WebhookCommandsTest : public CliFixture {
 protected:
  void SetUp() override {
    settings.webhooks = {receiver.hook("oncall"), receiver.hook("audit")};
    settings.webhooks[1].events = {notify::Event::FlagKilled};
    CliFixture::SetUp();
  }
  test::WebhookReceiver receiver;
};

TEST_F(WebhookCommandsTest, TheyAreListed) {
  const Ran listed = run({"webhook", "list"});
  EXPECT_EQ(listed.status, kOk) << listed.err;
  EXPECT_NE(listed.out.find("oncall  http://127.0.0.1:"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("/...  "), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("never"), std::string::npos) << listed.out;
  EXPECT_EQ(listed.out.find("EVENTS"), std::string::npos);
  const Ran wide = run({"webhook", "list", "-o", "wide"});
  EXPECT_NE(wide.out.find("  flag.killed\n"), std::string::npos) << wide.out;
  EXPECT_NE(wide.out.find("proxy.silent"), std::string::npos) << wide.out;
  EXPECT_EQ(run({"webhook", "list", "-o", "name"}).out, "oncall\naudit\n");
  EXPECT_EQ((*parseJson(run({"webhook", "list", "-o", "json"}).out))["webhooks"].size(), 2u);
  for (const Ran& ran : {listed, wide, run({"webhook", "list", "-o", "yaml"})}) {
    EXPECT_EQ((ran.out + ran.err).find("s3cr3t"), std::string::npos) << ran.out;
  }
}

TEST_F(WebhookCommandsTest, ATestSaysWhatCameBack) {
  const Ran taken = run({"webhook", "test", "oncall"});
  EXPECT_EQ(taken.status, kOk) << taken.err;
  EXPECT_NE(taken.out.find("oncall took it: 200 after "), std::string::npos) << taken.out;
  EXPECT_EQ(receiver.heard()[0].header("loam-event"), "test");
  receiver.answer(302);
  const Ran redirected = run({"webhook", "test", "oncall"});
  EXPECT_EQ(redirected.status, kError);
  EXPECT_EQ(redirected.err, "loam: oncall did not take it: 302 Found: a redirect, which is never followed\n");
  EXPECT_EQ(run({"webhook", "test", "oncall", "-o", "json"}).status, kError);
  const Ran unknown = run({"webhook", "test", "oncal"});
  EXPECT_EQ(unknown.status, kNotFound);
  EXPECT_NE(unknown.err.find("did you mean oncall?"), std::string::npos) << unknown.err;
  EXPECT_EQ(run({"webhook", "test"}).status, kUsage);
}

TEST_F(WebhookCommandsTest, DoctorKnowsOfOneThatTakesNothing) {
  const auto check = [this] {
    const Json::Value document = *parseJson(run({"doctor", "-o", "json"}).out);
    for (const Json::Value& one : document["checks"]) {
      if (one["id"].asString() == "LD-0208") return one;
    }
    return Json::Value();
  };
  EXPECT_EQ(check()["verdict"], "ok");
  receiver.answer(403);
  ASSERT_EQ(post("/v1/kill", "{}").status, 200);
  for (int i = 0; i < 1000 && check()["verdict"] == "ok"; ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(check()["verdict"], "warn");
  EXPECT_NE(check()["measured"].asString().find(": 403 Forbidden; 0 wait"), std::string::npos) << writeJson(check());
  EXPECT_EQ(check()["fix"].asString().rfind("loam webhook test ", 0), 0u);
}

TEST_F(WebhookCommandsTest, CompletionKnowsTheirNames) {
  EXPECT_EQ(run({"__complete", "--", "webhook", "test", "on"}).out, "oncall\n");
  EXPECT_EQ(run({"__complete", "--", "webhook", ""}).out, "list\ntest\n");
}

}  // namespace
}  // namespace loam::cli
