#include "rollout/notify/hook_settings.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

namespace loam::notify {
namespace {

class HookSettingsTest : public testing::Test {
 protected:
  HookSettingsTest() {
    write("secret", "0123456789abcdef\n");
    write("ca.pem", test::makeRoot().certificate.toPem());
  }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = directory / name;
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  /// The problems, or "" and hooks.
  std::string read(std::string text) {
    const std::string path = directory.path();
    for (std::size_t at = 0; (at = text.find("DIR", at)) != std::string::npos; at += path.size()) {
      text.replace(at, 3, path);
    }
    YamlProblems problems("c.yaml");
    YamlMapping root = YamlMapping::parse(text, problems, {"webhooks"});
    hooks = readWebhooks(root);
    std::string found = problems.text();
    for (std::size_t at = 0; (at = found.find(path)) != std::string::npos;) found.replace(at, path.size(), "DIR");
    return found;
  }

  const test::TemporaryDirectory directory;
  std::vector<HookSettings> hooks;
};

TEST_F(HookSettingsTest, AFileHasAnyNumberOfThem) {
  EXPECT_EQ(read("{}"), "");
  EXPECT_TRUE(hooks.empty());
  EXPECT_EQ(read("webhooks:\n"
                 "  - {name: oncall, url: 'http://127.0.0.1:9000/loam', secret_file: DIR/secret}\n"
                 "  - {name: audit-2, url: 'https://a.example/x?y=1', secret_file: DIR/secret, ca_file: DIR/ca.pem,\n"
                 "     events: [flag.killed, proxy.silent]}\n"),
            "");
  ASSERT_EQ(hooks.size(), 2u);
  EXPECT_EQ(hooks[0].name, "oncall");
  EXPECT_EQ(hooks[0].secret, "0123456789abcdef") << "without the line end";
  EXPECT_TRUE(hooks[0].wants(Event::ProxyKilled));
  EXPECT_EQ(hooks[1].url.target, "/x?y=1");
  EXPECT_TRUE(hooks[1].wants(Event::ProxySilent));
  EXPECT_FALSE(hooks[1].wants(Event::ProxyKilled));
}

TEST_F(HookSettingsTest, EveryProblemIsToldAtOnceAndWhereItStands) {
  EXPECT_EQ(
      read("webhooks:\n"
           "  - name: On Call\n"
           "    url: http://ada:s3cr3t@a.example/\n"
           "    secret_file: DIR/nothing\n"
           "    events: [proxy.silnt]\n"
           "    color: red\n"
           "  - name: b\n"
           "    url: http://169.254.169.254/latest\n"
           "    ca_file: DIR/ca.pem\n"
           "    secret_file: DIR/secret\n"
           "  - {name: b, url: 'http://a.example/', events: [], secret_file: DIR/secret}\n"
           "  - {}\n"
           "  - 5\n"),
      "c.yaml:2:11: name: expected 1 to 64 of a-z, 0-9, '-' and '_', found \"On Call\"\n"
      "c.yaml:3:10: url: a user or password in it would be in clear; requests are signed with the secret instead\n"
      "c.yaml:4:18: secret_file: opening DIR/nothing: No such file or directory\n"
      "c.yaml:5:13: events: there is no event \"proxy.silnt\" (did you mean proxy.silent, proxy.killed?)\n"
      "c.yaml:6:5: unknown key \"color\"; expected one of name, url, secret_file, ca_file, events\n"
      "c.yaml:8:10: url: 169.254.169.254 is a link-local address, which is never called\n"
      "c.yaml:9:14: ca_file: nothing vouches for a receiver over plain http\n"
      "c.yaml:11:12: name: another webhook is called \"b\" already\n"
      "c.yaml:11:49: events: expected names; without the key all are told\n"
      "c.yaml:12:5: the key \"name\" is missing\n"
      "c.yaml:12:5: the key \"url\" is missing\n"
      "c.yaml:12:5: the key \"secret_file\" is missing\n"
      "c.yaml:13:5: expected a mapping of name, url, secret_file, ca_file, events\n"
      "c.yaml:13:5: the key \"name\" is missing\n"
      "c.yaml:13:5: the key \"url\" is missing\n"
      "c.yaml:13:5: the key \"secret_file\" is missing");
}

TEST_F(HookSettingsTest, ASecretIsAPrivateFileOfAUsefulLength) {
  const auto problem = [this](const std::string& text, mode_t mode = 0600) {
    write("other", text, mode);
    return read("webhooks: [{name: a, url: 'http://10.0.0.1/', secret_file: DIR/other}]");
  };
  EXPECT_EQ(problem(std::string(16, 's')), "");
  EXPECT_EQ(problem(std::string(4096, 's') + "\r\n"), "");
  EXPECT_EQ(hooks[0].secret.size(), 4096u);
  EXPECT_EQ(problem(std::string(16, 's'), 0640), "") << "the controller's group may read it";
  EXPECT_NE(problem(std::string(15, 's') + "\n").find("has 15 bytes; expected a secret of 16 to 4096"),
            std::string::npos);
  EXPECT_NE(problem(std::string(4097, 's')).find("has 4097 bytes"), std::string::npos);
  EXPECT_NE(problem("").find("has 0 bytes"), std::string::npos);
  const std::string open = problem("s3cr3t-s3cr3t-s3cr3t", 0604);
  EXPECT_NE(open.find("others can read"), std::string::npos) << open;
  EXPECT_EQ(open.find("s3cr3t"), std::string::npos) << open;
}

TEST_F(HookSettingsTest, AuthoritiesAreReadAtOnce) {
  write("junk.pem", "no certificate");
  for (const char* file : {"DIR/junk.pem", "DIR/nothing.pem"}) {
    const std::string found =
        read(std::string("webhooks: [{name: a, url: 'https://a.example/', secret_file: DIR/secret, ") +
             "ca_file: " + file + "}]");
    EXPECT_NE(found.find(": ca_file: "), std::string::npos) << found;
  }
}

TEST_F(HookSettingsTest, ThereAreNotTooMany) {
  std::string text = "webhooks:\n";
  for (std::size_t i = 0; i <= kMostHooks; ++i) {
    text += "  - {name: h" + std::to_string(i) + ", url: 'http://10.0.0.1/', secret_file: DIR/secret}\n";
  }
  EXPECT_EQ(read(text), "c.yaml:2:3: webhooks: expected at most 32");
}

TEST_F(HookSettingsTest, SomethingElseThanAListIsSaid) {
  EXPECT_EQ(read("webhooks: oncall"), "c.yaml:1:11: webhooks: expected a list of mappings");
}

}  // namespace
}  // namespace loam::notify
