#include "proxy/server/settings.h"

#include <gtest/gtest.h>

namespace loam::server {
namespace {

TEST(SettingsTest, ReadsWhatTheDocumentationShows) {
  const auto settings = Settings::parse(
      "name: web-1\nrole: sidecar\nworkers: 3\nguard: /run/loam/guard.sock\ncontroller: /run/loam/controller.sock\n"
      "admin: 127.0.0.1:7402\nlisten:\n  - {address: '[::1]:80', to: 10.0.0.2:8080}\nreverse_dns: true\nlog_level: "
      "debug\n",
      "proxy.yaml");
  ASSERT_TRUE(settings) << settings.error().context;
  EXPECT_EQ(settings->name, "web-1");
  EXPECT_EQ(settings->workers, 3u);
  EXPECT_EQ(settings->admin->text(), "127.0.0.1:7402");
  ASSERT_EQ(settings->listen.size(), 1u);
  EXPECT_EQ(settings->listen[0].address.text(), "[::1]:80");
  EXPECT_EQ(settings->listen[0].to.text(), "10.0.0.2:8080");
  EXPECT_EQ(settings->logLevel, LogLevel::Debug);
  EXPECT_TRUE(settings->reverseDns);
  EXPECT_FALSE(Settings::parse("guard: /g.sock\n", "p.yaml")->reverseDns) << "nothing is sent unless asked for";
}

TEST(SettingsTest, G9_EveryProblemIsListedWithItsPlace) {
  const auto settings = Settings::parse(
      "name: a\nname: b\nworkres: 2\nworkers: many\nadmin: localhost\nlisten: [{address: '1.2.3.4:80'}]\nrole: boss\n",
      "p.yaml");
  ASSERT_FALSE(settings);
  const std::string& text = settings.error().context;
  EXPECT_EQ(settings.error().code, ErrorCode::InvalidArgument);
  for (const char* expected : {"p.yaml:2:1:", "p.yaml:3:1:", "did you mean workers",
                               "p.yaml:4:10:", "p.yaml:5:8:", "p.yaml:6:", "p.yaml:7:7:"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << " in\n" << text;
  }
}

const std::string kRoot(64, 'a');

Result<Settings> withController(const std::string& lines) {
  return Settings::parse("guard: /g.sock\n" + lines, "p.yaml");
}

TEST(SettingsTest, AControllerOnTheNetworkNeedsAnIdentity) {
  for (const char* controller : {"10.0.0.1:7401", "127.0.0.1:7401", "[2001:db8::1]:7401"}) {
    const std::string line = std::string("controller: \"") + controller + "\"\n";
    const auto without = withController(line);
    ASSERT_FALSE(without) << controller;
    EXPECT_NE(without.error().context.find("mutual TLS"), std::string::npos) << without.error().context;
    const auto with = withController(line + "name: n\nidentity: {root: " + kRoot + ", token_file: /t}\n");
    ASSERT_TRUE(with) << with.error().context;
    EXPECT_EQ(with->identity->root, kRoot);
    EXPECT_EQ(with->identity->tokenFile, "/t");
    EXPECT_EQ(with->identity->controllerName, "controller");
  }
  EXPECT_TRUE(withController("controller: /run/loam/controller.sock\n"));
  EXPECT_FALSE(
      withController("controller: controller.example:7401\nidentity: {root: " + kRoot + ", token_file: /t}\n"));
}

TEST(SettingsTest, D14_AnIdentityIsReadStrictly) {
  const std::string controller = "controller: 10.0.0.1:7401\nname: n\n";
  for (const std::string& identity :
       {std::string("{root: ") + kRoot + "}", std::string("{token_file: /t}"), "{root: " + kRoot + "a, token_file: /t}",
        std::string("{root: ") + std::string(64, 'A') + ", token_file: /t}",
        "{root: " + kRoot + ", token_file: /t, insecure: true}",
        "{root: " + kRoot + ", token_file: /t, controller_name: a/b}", std::string("yes")}) {
    EXPECT_FALSE(withController(controller + "identity: " + identity + "\n")) << identity;
  }
  const std::string good = "identity: {root: " + kRoot + ", token_file: /t, controller_name: other}\n";
  EXPECT_EQ(withController(controller + good)->identity->controllerName, "other");
  EXPECT_FALSE(withController("controller: 10.0.0.1:7401\nname: a b\n" + good))
      << "it could not stand in a certificate";
  EXPECT_FALSE(withController("controller: /c.sock\n" + good)) << "nobody asks for it there";
}

TEST(SettingsTest, NothingToDoIsAnError) { EXPECT_FALSE(Settings::parse("name: idle\n", "p.yaml")); }

}  // namespace
}  // namespace loam::server
