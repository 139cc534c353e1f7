#include "rollout/identity/key_vault.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "rollout/identity/private_file.h"
#include "tests/rollout/identity/temporary_directory.h"

namespace loam::identity {
namespace {

constexpr const char* kPassphrase = "correct horse battery";

mode_t modeOf(const std::filesystem::path& path) {
  struct stat found {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777;
}

class KeyVaultTest : public testing::Test {
 protected:
  KeyVault open(const char* passphrase = kPassphrase) const {
    return {directory.path(), SealingSecret(passphrase), SealingCost{.n = 16}};
  }
  std::filesystem::path put(const char* name, const std::string& text, mode_t mode) const {
    std::ofstream(directory / name) << text;
    ::chmod((directory / name).c_str(), mode);
    return directory / name;
  }
  /// What a log wrote while `act` ran.
  template <class Act>
  std::string logged(Act act) const {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    {
      Log log(LogLevel::Info, pipe[1]);
      act(log);
    }
    ::close(pipe[1]);
    std::array<char, 4096> text{};
    const auto count = ::read(pipe[0], text.data(), text.size());
    ::close(pipe[0]);
    return {text.data(), static_cast<std::size_t>(count)};
  }

  test::TemporaryDirectory directory;
};

TEST_F(KeyVaultTest, D11_KeysAreSealedPrivateFiles) {
  const auto key = tls::KeyPair::generate();
  ::umask(0);
  ASSERT_TRUE(open().store("a1", *key));
  ::umask(022);
  EXPECT_EQ(modeOf(directory / "a1.key"), 0600u);
  EXPECT_EQ(test::readAll(directory / "a1.key").find("PRIVATE"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory / "a1.key.next"));
  const auto again = open().load("a1");
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(again->toPem(), key->toPem());

  const auto refused = open("another passphrase").load("a1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Denied);
  EXPECT_NE(refused.error().context.find("a1.key"), std::string::npos);
  EXPECT_EQ(open().load("b2").error().code, ErrorCode::NotFound);
  EXPECT_TRUE(open().remove("a1"));
  EXPECT_TRUE(open().remove("a1"));
  EXPECT_EQ(open().load("a1").error().code, ErrorCode::NotFound);
}

TEST_F(KeyVaultTest, D11_AFileThatOthersCanReadIsRefused) {
  ASSERT_TRUE(open().store("a1", *tls::KeyPair::generate()));
  ::chmod((directory / "a1.key").c_str(), 0640);
  const auto refused = open().load("a1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Denied);
  EXPECT_NE(refused.error().context.find("0640"), std::string::npos) << refused.error().context;
}

TEST_F(KeyVaultTest, WritingReplacesAsAWhole) {
  const auto path = directory / "file";
  put("file.next", "left by one that was killed", 0666);
  ASSERT_TRUE(writePrivateFile(path, "one"));
  ASSERT_TRUE(writePrivateFile(path, "two"));
  EXPECT_EQ(*readPrivateFile(path), "two");
  EXPECT_EQ(modeOf(path), 0600u);
  EXPECT_FALSE(writePrivateFile(directory / "missing" / "file", "x"));
  put("big", std::string(70'000, 'x'), 0600);
  EXPECT_FALSE(readPrivateFile(directory / "big"));
  EXPECT_FALSE(readPrivateFile(directory.path()));
}

TEST_F(KeyVaultTest, APassphraseComesFromWhereItIsSaid) {
  const auto secretOf = [&](const SecretSources& sources) {
    Result<SealingSecret> found = fail(ErrorCode::Io, "never asked");
    logged([&](Log& log) {
      found = findSealingSecret(sources, log);
      log.info("test", "asked");
    });
    if (!found) return name(found.error().code).data() + std::string(": ") + found.error().context;
    return std::string(found->bytes().begin(), found->bytes().end());
  };
  const auto file = put("passphrase", "of the passphrase file\nsecond line\n", 0640);
  put(kCredential, "of systemd's credential", 0400);
  EXPECT_EQ(secretOf({file, directory.path(), directory / "random"}), "of the passphrase file");
  EXPECT_EQ(secretOf({{}, directory.path(), directory / "random"}), "of systemd's credential");
  EXPECT_FALSE(std::filesystem::exists(directory / "random"));
  put("passphrase", "short\n", 0600);
  EXPECT_EQ(secretOf({file, {}, directory / "random"}).find("invalid_argument"), 0u);
  put("passphrase", "long enough for this\n", 0644);
  EXPECT_EQ(secretOf({file, {}, directory / "random"}).find("denied"), 0u);
  EXPECT_EQ(secretOf({directory / "none", directory.path(), {}}).find("not_found"), 0u)
      << "what is named has to be there: nothing weaker stands in for it";
}

TEST_F(KeyVaultTest, D11_AKeyFileBesideIsMadeOnceAndSaidToProtectLess) {
  const auto path = directory / "seal.key";
  std::string first;
  const std::string line = logged([&](Log& log) {
    const auto made = findSealingSecret({.keyFile = path}, log);
    ASSERT_TRUE(made) << made.error().describe();
    first.assign(made->bytes().begin(), made->bytes().end());
  });
  EXPECT_NE(line.find("protects less"), std::string::npos) << line;
  EXPECT_NE(line.find("seal.key"), std::string::npos) << line;
  EXPECT_EQ(line.find(first), std::string::npos) << "never the secret itself";
  EXPECT_EQ(first.size(), 64u);
  EXPECT_EQ(modeOf(path), 0600u);
  logged([&](Log& log) {
    const auto again = findSealingSecret({.credentials = directory.path(), .keyFile = path}, log);
    ASSERT_TRUE(again);
    EXPECT_EQ(std::string(again->bytes().begin(), again->bytes().end()), first);
  });
}

}  // namespace
}  // namespace loam::identity
