#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rollout/cli/cli.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam::cli {
namespace {

struct Ran {
  int status = -1;
  std::string out;
  std::string err;
};

class AccessCommandsTest : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    ::setenv("XDG_CONFIG_HOME", directory.c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"XDG_CONFIG_HOME", "LOAM_TOKEN", "LOAM_TOKEN_FILE"}) ::unsetenv(name);
    ControllerFixture::TearDown();
  }
  Ran run(std::vector<std::string> arguments) const {
    std::ostringstream out, err;
    Cli cli({out, err}, {directory, directory});
    const int status = cli.run(std::move(arguments));
    return {status, out.str(), err.str()};
  }
  /// A file with that content and mode.
  std::string keep(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::filesystem::path path = directory / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
};

TEST_F(AccessCommandsTest, TheSecretStandsAloneOnStdout) {
  const Ran made = run({"token", "create", "ci", "--role", "operator", "--service", "cart", "--expires", "+1d"});
  ASSERT_EQ(made.status, kOk) << made.err;
  EXPECT_TRUE(made.out.starts_with("loam-token-"));
  EXPECT_EQ(made.out.size(), 11u + 43u + 1u);
  EXPECT_EQ(made.err.find(made.out.substr(11, 43)), std::string::npos);
  const Ran listed = run({"token", "list"});
  EXPECT_NE(listed.out.find("cart/*"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("never"), std::string::npos) << "not used yet";
  const std::string id = run({"token", "list", "-o", "name"}).out;
  EXPECT_EQ(run({"token", "revoke", id.substr(0, id.size() - 1), "--reason", "a test"}).status, kOk);
  EXPECT_EQ(run({"token", "revoke", "nothing"}).status, kNotFound);
}

TEST_F(AccessCommandsTest, UsersComeAndGo) {
  EXPECT_EQ(run({"user", "add", "ada", "--role", "operator"}).status, kOk);
  EXPECT_EQ(run({"user", "add", "ada", "--role", "operator"}).status, kConflict);
  EXPECT_EQ(run({"user", "add", "Ada", "--role", "operator"}).status, kUsage);
  EXPECT_EQ(run({"user", "add", "bo", "--role", "king"}).status, kUsage);
  EXPECT_EQ(run({"user", "set", "ada"}).status, kUsage) << "nothing to set";
  EXPECT_EQ(run({"user", "set", "ada", "--role", "viewer", "--disable"}).status, kOk);
  EXPECT_NE(run({"user", "list"}).out.find("ada   viewer  disabled"), std::string::npos) << run({"user", "list"}).out;
  EXPECT_EQ(run({"user", "set", "ada", "--enable"}).status, kOk);
  EXPECT_EQ(run({"token", "create", "laptop", "--user", "ada", "--role", "admin"}).status, kUsage) << "above her";
  EXPECT_EQ(run({"user", "remove", "ada"}).status, kOk);
  EXPECT_EQ(run({"user", "remove", "ada"}).status, kNotFound);
}

TEST_F(AccessCommandsTest, TheTokenIsFoundInItsPlaces) {
  const std::string viewer = secretOf("v", "viewer");
  const std::string admin = secretOf("a", "admin");
  EXPECT_NE(run({"whoami"}).out.find("by socket"), std::string::npos);
  keep("loam/token", viewer + "\n");
  EXPECT_EQ(run({"whoami"}).out.substr(0, 16), "v  viewer  by to");
  ::setenv("LOAM_TOKEN", admin.c_str(), 1);
  EXPECT_EQ(run({"whoami", "-o", "name"}).out, "a\n");
  ::setenv("LOAM_TOKEN_FILE", keep("other", viewer).c_str(), 1);
  EXPECT_EQ(run({"whoami", "-o", "name"}).out, "v\n");
  EXPECT_EQ(run({"user", "add", "bo", "--role", "viewer"}).status, kDenied);
  ::setenv("LOAM_TOKEN_FILE", keep("wrong", "loam-token-wrong").c_str(), 1);
  EXPECT_EQ(run({"whoami"}).status, kDenied);
}

TEST_F(AccessCommandsTest, AFileThatOthersCanReadIsRefused) {
  const std::string viewer = secretOf("v", "viewer");
  for (const mode_t mode : {0644, 0640, 0604, 0660}) {
    keep("loam/token", viewer, mode);
    const Ran ran = run({"whoami"});
    EXPECT_EQ(ran.status, kUsage) << mode;
    EXPECT_NE(ran.err.find("chmod 600"), std::string::npos) << ran.err;
    EXPECT_EQ(ran.err.find(viewer), std::string::npos);
  }
  keep("loam/token", "\n");
  EXPECT_EQ(run({"whoami"}).status, kOk) << "as it is while a shell waits for what is to go into it";
  keep("loam/token", "two words");
  EXPECT_EQ(run({"whoami"}).status, kUsage);
  ::setenv("LOAM_TOKEN_FILE", (directory / "nothing").c_str(), 1);
  EXPECT_EQ(run({"whoami"}).status, kUsage) << "one that was named has to be there";
}

TEST_F(AccessCommandsTest, ATokenNeverGoesToAnotherHostInClear) {
  ::setenv("LOAM_TOKEN", "loam-token-secret", 1);
  const Ran ran = run({"whoami", "--controller", "192.0.2.1:7400"});
  EXPECT_EQ(ran.status, kUsage);
  EXPECT_NE(ran.err.find("use https://192.0.2.1:7400"), std::string::npos) << ran.err;
  EXPECT_EQ(run({"whoami", "--controller", "https://localhost:1", "--ca", directory / "nothing"}).status, kUsage);
}

TEST_F(AccessCommandsTest, EventsAreListedFromTheLog) {
  ASSERT_EQ(run({"user", "add", "ada", "--role", "viewer", "--reason", "hired"}).status, kOk);
  ASSERT_EQ(run({"freeze", "begin", "--service", "cart", "--reason", "sale"}).status, kOk);
  const Ran all = run({"events"});
  EXPECT_EQ(all.status, kOk) << all.err;
  EXPECT_NE(all.out.find("user.add: hired"), std::string::npos) << all.out;
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 2);
  const Ran behind = run({"events", "--after", "1", "-o", "ndjson"});
  EXPECT_EQ((*parseJson(behind.out))["act"]["reason"], "sale") << behind.out;
  EXPECT_EQ(run({"events", "--kinds", "flag"}).out, "");
}

TEST_F(AccessCommandsTest, AScopedTokenHearsWhichCells) {
  ::setenv("LOAM_TOKEN", secretOf("ci", "operator", R"(,"services":["cart"])").c_str(), 1);
  const Ran ran = run({"flag", "kill", "web", "--reason", "x"});
  EXPECT_EQ(ran.status, kDenied);
  EXPECT_NE(ran.err.find("may not change web/every feature"), std::string::npos) << ran.err;
  EXPECT_NE(run({"whoami"}).out.find("changes cart/* only"), std::string::npos);
}

}  // namespace
}  // namespace loam::cli
