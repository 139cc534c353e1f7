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

TEST(SettingsTest, AgentsPortIsRefusedBeyondThisHost) {
  for (const char* controller : {"10.0.0.1:7401", "0.0.0.0:7401", "controller.example:7401", "[2001:db8::1]:7401"}) {
    const auto settings =
        Settings::parse(std::string("guard: /g.sock\ncontroller: \"") + controller + "\"\n", "p.yaml");
    EXPECT_FALSE(settings) << controller;
  }
  EXPECT_TRUE(Settings::parse("guard: /g.sock\ncontroller: 127.0.0.1:7401\n", "p.yaml"));
}

TEST(SettingsTest, NothingToDoIsAnError) { EXPECT_FALSE(Settings::parse("name: idle\n", "p.yaml")); }

}  // namespace
}  // namespace loam::server
