#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "proxy/wire/watch.h"
#include "rollout/notify/signature.h"
#include "tests/rollout/api/api_fixture.h"
#include "tests/support/webhook_receiver.h"

namespace loam {
namespace {

/// A controller with a webhook, and the receiver at its other end.
class WebhooksTest : public ControllerFixture {
 protected:
  void SetUp() override {
    settings.webhooks = {receiver.hook("oncall")};
    ControllerFixture::SetUp();
  }
  static Json::Value bodyOf(const http::Request& request) { return parseJson(request.body).value_or(Json::Value()); }
  void kill(const std::string& reason) const {
    ASSERT_EQ(post("/v1/kill", R"({"reason":")" + reason + "\"}").status, 200);
  }
  Json::Value shown() const { return json("/v1/webhooks")["webhooks"][0]; }
  void ask(bool killed, std::uint64_t refused) const {
    wire::Watch watch;
    watch.proxy = "web-1";
    watch.killed = killed;
    if (refused != 0) watch.refused = wire::Refusal{refused, {"serve: too old"}};
    post("/v1/watch", wire::encode(watch));
  }

  test::WebhookReceiver receiver;
};

TEST_F(WebhooksTest, AKillIsHeardOnceAndProvesWhoSentIt) {
  kill("requests hang");
  const auto heard = receiver.heard(1);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].header("loam-event"), "flag.killed");
  const Json::Value body = bodyOf(heard[0]);
  EXPECT_EQ(body["id"].asString(), heard[0].header("loam-delivery"));
  EXPECT_EQ(body["detail"], "requests hang");
  EXPECT_FALSE(body["controller"].asString().empty());
  const std::string signature(heard[0].header("loam-signature"));
  EXPECT_EQ(signature,
            notify::signatureOf(test::WebhookReceiver::kSecret, std::stoll(signature.substr(2)), heard[0].body));
  ASSERT_EQ(post("/v1/freezes", R"({"reason":"x"})").status, 201);
  kill("again");  // nothing is on any more: nothing happens
  EXPECT_EQ(post("/v1/webhooks/oncall/test", "{}").status, 200);
  EXPECT_EQ(receiver.heard(2).size(), 2u);
  EXPECT_EQ(receiver.heard()[1].header("loam-event"), "test");
}

TEST_F(WebhooksTest, ItIsShownHowItIsAndNoSecret) {
  EXPECT_EQ(shown()["delivered"], 0);
  EXPECT_FALSE(shown().isMember("last_success"));
  kill("x");
  ASSERT_EQ(receiver.heard(1).size(), 1u);
  for (int i = 0; i < 1000 && shown()["delivered"] != 1; ++i) std::this_thread::sleep_for(milliseconds(5));
  const Json::Value hook = shown();
  EXPECT_EQ(hook["name"], "oncall");
  EXPECT_EQ(hook["delivered"], 1);
  EXPECT_EQ(hook["waiting"], 0);
  EXPECT_EQ(hook["events"].size(), 13u);
  EXPECT_TRUE(hook.isMember("last_success"));
  const std::string metrics = get("/metrics").body;
  for (const char* line : {R"(loam_controller_webhook_deliveries_total{webhook="oncall",outcome="delivered"} 1)",
                           R"(loam_controller_webhook_deliveries_total{webhook="oncall",outcome="dropped"} 0)",
                           R"(loam_controller_webhook_waiting{webhook="oncall"} 0)"}) {
    EXPECT_NE(metrics.find(line), std::string::npos) << line << "\n" << metrics;
  }
  std::ifstream file(settings.control + ".webhooks");
  const std::string kept((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const std::string& text : {get("/v1/webhooks").body, metrics, kept}) {
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.find("s3cr3t"), std::string::npos) << text;
  }
}

TEST_F(WebhooksTest, ATestSaysWhatCameBack) {
  const auto test = [this] { return *parseJson(post("/v1/webhooks/oncall/test", "{}").body); };
  const Json::Value taken = test();
  EXPECT_TRUE(taken["taken"].asBool());
  EXPECT_EQ(taken["status"], 200);
  EXPECT_EQ(bodyOf(receiver.heard()[0])["id"], taken["id"]);
  receiver.answer(401);
  const Json::Value refused = test();
  EXPECT_FALSE(refused["taken"].asBool());
  EXPECT_EQ(refused["status"], 401);
  EXPECT_EQ(refused["error"], "401 Unauthorized");
  const auto unknown = post("/v1/webhooks/oncal/test", "{}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ((*parseJson(unknown.body))["suggestions"][0], "oncall");
  EXPECT_EQ(post("/v1/webhooks/oncall/test", R"({"url":"http://10.0.0.1/"})").status, 400)
      << "nobody chooses an address";
  EXPECT_EQ(post("/v1/webhooks", "{}").status, 405) << "and nobody makes one";
}

TEST_F(WebhooksTest, WhatIsReadIsForViewersAndATestForAdmins) {
  const std::string viewer = secretOf("v", "viewer");
  const std::string bound = secretOf("b", "admin", R"(,"services":["cart"])");
  EXPECT_EQ(getAs(viewer, "/v1/webhooks").status, 200);
  EXPECT_EQ(postAs(viewer, "/v1/webhooks/oncall/test", "{}").status, 403);
  EXPECT_EQ(postAs(secretOf("o", "operator"), "/v1/webhooks/oncall/test", "{}").status, 403);
  EXPECT_EQ(postAs(bound, "/v1/webhooks/oncall/test", "{}").status, 403) << "it is about no service";
  EXPECT_TRUE(receiver.heard().empty());
}

TEST_F(WebhooksTest, WhatNobodyTookIsSentByTheNextController) {
  receiver.answer(503);
  kill("x");
  ASSERT_GE(receiver.heard(1).size(), 1u);
  stop();
  const std::size_t before = receiver.heard().size();
  receiver.answer(200);
  start();
  const auto heard = receiver.heard(before + 1);
  ASSERT_GT(heard.size(), before);
  EXPECT_EQ(heard.back().header("loam-delivery"), heard.front().header("loam-delivery"));
}

TEST_F(WebhooksTest, StatesOfProxiesAreToldWhenTheyBeginAndEnd) {
  ask(true, 1);
  auto heard = receiver.heard(2);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].header("loam-event"), "proxy.refuses");
  EXPECT_EQ(heard[1].header("loam-event"), "proxy.killed");
  EXPECT_EQ(bodyOf(heard[1])["subject"], "web-1");
  ask(false, 0);
  heard = receiver.heard(4);
  ASSERT_EQ(heard.size(), 4u);
  EXPECT_EQ(heard[2].header("loam-event"), "proxy.accepts");
  EXPECT_EQ(heard[3].header("loam-event"), "proxy.restored");
}

TEST_F(WebhooksTest, ANewSecretIsUsedWithoutARestart) {
  const std::string file = directory / "secret";
  const auto write = [&file](const std::string& secret) {
    std::ofstream(file) << secret;
    ::chmod(file.c_str(), 0600);
  };
  stop();
  settings.webhooks[0].secretFile = file;
  start();
  write("the next secret of it");
  served->reload();
  bool used = false;
  for (int i = 0; i < 200 && !used; ++i) {
    ASSERT_EQ(post("/v1/webhooks/oncall/test", "{}").status, 200);
    const http::Request last = receiver.heard().back();
    const std::string signature(last.header("loam-signature"));
    used = signature == notify::signatureOf("the next secret of it", std::stoll(signature.substr(2)), last.body);
  }
  EXPECT_TRUE(used);
}

TEST_F(WebhooksTest, WithoutAnyThereIsNothingToShow) {
  stop();
  settings.webhooks.clear();
  start();
  EXPECT_EQ(json("/v1/webhooks")["webhooks"].size(), 0u);
  EXPECT_EQ(post("/v1/webhooks/oncall/test", "{}").status, 404);
  EXPECT_EQ(get("/metrics").body.find("webhook"), std::string::npos);
}

TEST_F(WebhooksTest, ALedgerThatCannotBeWrittenIsToldAndItsEndToo) {
  stop();
  class Failing final : public audit::Ledger {
   public:
    explicit Failing(audit::Ledger& to) : to_(to) {}
    Result<std::vector<audit::Document>> documents() const override { return to_.documents(); }
    Result<audit::Commit> commit(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act) override {
      if (fails) return fail(ErrorCode::Exhausted, "no space left on device");
      return to_.commit(edits, act);
    }
    Result<std::vector<audit::Event>> events(const audit::EventQuery& query) const override {
      return to_.events(query);
    }
    Result<std::uint64_t> newest() const override { return to_.newest(); }
    Result<Verified> verify() const override { return to_.verify(); }
    Status backup(const std::filesystem::path& file) const override { return to_.backup(file); }
    std::atomic<bool> fails = false;

   private:
    audit::Ledger& to_;
  };
  auto opened = db::openLedger(settings.control, clock);
  ASSERT_TRUE(opened);
  Failing failing(**opened);
  auto graph = db::openGraphStore(settings.database);
  auto emergency = audit::Journal::open(settings.control + ".journal");
  ASSERT_TRUE(graph && emergency);
  auto made = controller::Controller::make(settings, {**graph, failing, **emergency}, clock, log);
  ASSERT_TRUE(made) << made.error().describe();
  std::thread serving([&made] { (*made)->run(); });
  failing.fails = true;
  EXPECT_EQ(post("/v1/users", R"({"name":"ada","role":"viewer"})").status, 507);
  auto heard = receiver.heard(1);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].header("loam-event"), "controller.ledger_fails");
  kill("x");
  heard = receiver.heard(2);
  EXPECT_EQ(heard.back().header("loam-event"), "controller.journal_used");
  failing.fails = false;
  std::set<std::string> events;
  for (const http::Request& request : receiver.heard(5)) events.emplace(request.header("loam-event"));
  EXPECT_EQ(events, (std::set<std::string>{"controller.ledger_fails", "controller.journal_used", "flag.killed",
                                           "controller.ledger_works", "controller.journal_settled"}));
  (*made)->stop();
  serving.join();
}

}  // namespace
}  // namespace loam
