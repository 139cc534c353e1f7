#include "rollout/controller/settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace loam::controller {
namespace {

class SettingsTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path); }
  Result<Settings> load(const std::string& text) const {
    std::ofstream(path) << text;
    return loadSettings(path, {"/state", "/run/x"});
  }
  const std::string path =
      (std::filesystem::temp_directory_path() / ("loam-settings-" + std::to_string(::getpid()))).string();
};

TEST_F(SettingsTest, AFileStandsOverTheHome) {
  const auto settings = load("db: /data/g.db\nlisten: 127.0.0.1:7400\nlog_level: warn\n");
  ASSERT_TRUE(settings) << settings.error().context;
  EXPECT_EQ(settings->database, "/data/g.db");
  EXPECT_EQ(settings->socket, "/run/x/controller.sock");
  EXPECT_EQ(settings->listen->text(), "127.0.0.1:7400");
  EXPECT_EQ(settings->logLevel, LogLevel::Warn);
}

TEST_F(SettingsTest, GroupsOfTheHostHaveRoles) {
  const auto settings = load("socket_roles:\n  viewer: [staff, adm]\n  proxy: loam-proxy\n");
  ASSERT_TRUE(settings) << settings.error().context;
  EXPECT_EQ(settings->socketRoles, (SocketRoles{{"viewer", {"staff", "adm"}}, {"proxy", {"loam-proxy"}}}));
  EXPECT_FALSE(load("socket_roles: {root: [staff]}\n"));
}

TEST_F(SettingsTest, EveryProblemIsToldAtOnce) {
  const auto settings = load("lisen: x\nlisten: 0.0.0.0:7400\nlog_level: loud\ndb: [a]\n");
  ASSERT_FALSE(settings);
  const std::string& text = settings.error().context;
  EXPECT_NE(text.find(":1:1: unknown key \"lisen\" (did you mean listen?)"), std::string::npos) << text;
  EXPECT_NE(text.find(":2:9: listen: 0.0.0.0:7400 can be reached from other hosts"), std::string::npos) << text;
  EXPECT_NE(text.find(":3:12: log_level: expected one of"), std::string::npos) << text;
  EXPECT_NE(text.find(":4:5: db: expected a text"), std::string::npos) << text;
}

TEST_F(SettingsTest, AgentsMayComeFromAnywhere) {
  const auto settings = load(
      "agents: 0.0.0.0:7401\ntrust_domain: shop.example\n"
      "authority: {directory: /keys, passphrase_file: /p, intermediate: /i, root: /r, key: /k}\n");
  ASSERT_TRUE(settings) << settings.error().context;
  EXPECT_EQ(settings->agents->text(), "0.0.0.0:7401");
  EXPECT_EQ(settings->trustDomain, "shop.example");
  EXPECT_EQ(settings->authority.directory, "/keys");
  EXPECT_EQ(settings->authority.passphraseFile, "/p");
  EXPECT_EQ(settings->authority.key, "/k");
  EXPECT_EQ(load("{}")->authority.directory, "/state/authority");
  EXPECT_FALSE(load("{}")->agents);
  const auto half = load("authority: {intermediate: /i}\ntrust_domain: Shop\n");
  ASSERT_FALSE(half);
  EXPECT_NE(half.error().context.find("root"), std::string::npos) << half.error().context;
  EXPECT_NE(half.error().context.find("trust_domain"), std::string::npos) << half.error().context;
}

TEST_F(SettingsTest, WebhooksAreReadWithTheirSecrets) {
  const std::string secret = path + ".secret";
  std::ofstream(secret) << "0123456789abcdef\n";
  std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
  const auto settings = load("webhooks:\n  - {name: oncall, url: 'http://10.0.0.5/', secret_file: " + secret + "}\n");
  const auto wrong = load("log_level: loud\nwebhooks:\n  - {name: oncall, url: 'ftp://10.0.0.5/'}\n");
  std::filesystem::remove(secret);
  ASSERT_TRUE(settings) << settings.error().context;
  ASSERT_EQ(settings->webhooks.size(), 1u);
  EXPECT_EQ(settings->webhooks[0].secret, "0123456789abcdef");
  ASSERT_FALSE(wrong);
  const std::string& text = wrong.error().context;
  EXPECT_NE(text.find(":1:12: log_level: expected one of"), std::string::npos) << text;
  EXPECT_NE(text.find(":3:5: the key \"secret_file\" is missing"), std::string::npos) << text;
  EXPECT_NE(text.find(":3:25: url: expected http:// or https:// and a host"), std::string::npos) << text;
}

TEST_F(SettingsTest, OtherHostsConnectOverTlsAlone) {
  const auto check = [](const char* address, bool tls) {
    Settings settings;
    settings.listen = *SocketAddress::parse(address);
    if (tls) settings.tls = TlsFiles{"c", "k"};
    return checkListen(settings).has_value();
  };
  EXPECT_TRUE(checkListen({}));
  EXPECT_TRUE(check("127.0.0.1:7400", false));
  EXPECT_TRUE(check("[::1]:7400", false));
  EXPECT_FALSE(check("0.0.0.0:7400", false));
  EXPECT_FALSE(check("192.0.2.1:7400", false));
  EXPECT_TRUE(check("192.0.2.1:7400", true));
}

TEST_F(SettingsTest, TlsNeedsBothItsFiles) {
  const auto settings = load("listen: 0.0.0.0:7400\ntls: {certificate: /c.pem, key: /k.pem}\nnames: [mesh.internal]\n");
  ASSERT_TRUE(settings) << settings.error().context;
  EXPECT_EQ(settings->tls->key, "/k.pem");
  EXPECT_EQ(settings->names, std::vector<std::string>{"mesh.internal"});
  EXPECT_FALSE(load("tls: {certificate: /c.pem}\n"));
}

TEST(HomeTest, FollowsTheEnvironment) {
  ::setenv("LOAM_HOME", "/srv/loam", 1);
  EXPECT_EQ(findHome().controllerSocket(), "/srv/loam/run/controller.sock");
  EXPECT_EQ(findHome().guardSocket(), "/srv/loam/run/guard.sock");
  EXPECT_EQ(findHome().state, "/srv/loam");
  ::unsetenv("LOAM_HOME");
}

}  // namespace
}  // namespace loam::controller
