#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/rollout/cli/cli_fixture.h"

namespace loam::cli {
namespace {

/// Changes by file and by preview, as a person makes them.
class StateTest : public CliFixture {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = directory / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// An export without its first two lines, which say when it was made.
  static std::string body(std::string text) {
    for (int i = 0; i < 2; ++i) text.erase(0, text.find('\n') + 1);
    return text;
  }
  const std::string kMesh =
      "flags:\n"
      "  cart:\n"
      "    serve: {stage: on}\n"
      "    timeouts:\n"
      "      stage: on\n"
      "      percent: 25\n"
      "      settings: {request: 5s}\n"
      "services:\n"
      "  cart: {owner: team-a, tags: [b, a]}\n";
};

TEST_F(StateTest, AFileIsDiffedAppliedAndThenSo) {
  const std::string file = write("mesh.yaml", kMesh);
  const Ran differs = run({"diff", "-f", file});
  EXPECT_EQ(differs.status, 1) << differs.err;
  EXPECT_NE(differs.out.find("cart/timeouts"), std::string::npos) << differs.out;
  EXPECT_NE(differs.err.find("no service \"cart\" yet"), std::string::npos) << differs.err;
  const Ran dry = run({"apply", "-f", file, "--dry-run"});
  EXPECT_EQ(dry.status, kOk) << dry.err;
  EXPECT_NE(dry.err.find("nothing was changed"), std::string::npos) << dry.err;
  EXPECT_EQ(run({"diff", "-f", file}).status, 1);
  EXPECT_EQ(run({"apply", "-f", file}).status, kUsage);  // no reason
  const Ran applied = run({"apply", "-f", file, "--reason", "a test"});
  EXPECT_EQ(applied.status, kOk) << applied.err;
  EXPECT_NE(applied.err.find("applied, revision"), std::string::npos) << applied.err;
  EXPECT_EQ(run({"diff", "-f", file}).status, 0);
  const Ran again = run({"apply", "-f", file, "--reason", "a test", "-o", "json"});
  EXPECT_EQ(again.status, kOk);
  EXPECT_FALSE((*parseJson(again.out))["changed"].asBool()) << again.out;
}

TEST_F(StateTest, WhatIsExportedIsTheSameBytesAgainOnAnEmptyController) {
  ASSERT_EQ(run({"apply", "-f", write("mesh.yaml", kMesh), "--reason", "a test"}).status, kOk);
  ASSERT_EQ(
      run({"flag", "set", "*", "observe", "sampled", "--percent", "12.5", "--exclude", "no", "--reason", "x"}).status,
      kOk);
  ASSERT_EQ(run({"freeze", "begin", "--service", "db", "--until", "+90d", "--reason", "audit: \"on\""}).status, kOk);
  const std::string first = directory / "first.yaml";
  ASSERT_EQ(run({"export", "-f", first}).status, kOk);
  EXPECT_EQ(read(first).rfind("# What is wanted of the mesh", 0), 0u);
  EXPECT_EQ(run({"diff", "-f", first}).status, 0) << run({"diff", "-f", first}).err;
  stop();
  for (const char* suffix : {"", "-wal", "-shm", ".journal"}) std::filesystem::remove(settings.control + suffix);
  start();
  EXPECT_EQ(body(run({"export"}).out).find("cart"), std::string::npos);
  const Ran applied = run({"apply", "-f", first, "--reason", "again"});
  ASSERT_EQ(applied.status, kOk) << applied.err;
  EXPECT_EQ(body(run({"export"}).out), body(read(first)));
}

TEST_F(StateTest, EveryProblemHasItsLineAndColumnAtOnce) {
  const std::string file = write("mesh.yaml",
                                 "flags:\n"
                                 "  cart:\n"
                                 "    serve: {stgae: on}\n"
                                 "    observe: {stage: sampled, percent: 200}\n"
                                 "    serve: {stage: on}\n"
                                 "  db: 5\n"
                                 "services:\n"
                                 "  cart: {captured: 1}\n"
                                 "reason: mine\n");
  const Ran ran = run({"apply", "-f", file, "--reason", "x"});
  EXPECT_EQ(ran.status, kUsage);
  for (const char* said : {":3:13: unknown member \"stgae\" (did you mean stage?)", ":4:", ":5:5: the key \"serve\"",
                           ":6:", ":8:", ":9:"}) {
    EXPECT_NE(ran.err.find("mesh.yaml" + std::string(said)), std::string::npos) << said << " in\n" << ran.err;
  }
  EXPECT_EQ(run({"diff", "-f", file}).status, 2);
  EXPECT_EQ(run({"diff", "-f", write("bad.yaml", "flags: [")}).status, 2);
  EXPECT_EQ(run({"diff", "-f", directory / "nothing.yaml"}).status, 2);
  EXPECT_EQ(run({"diff", "-f", write("list.yaml", "- 1\n")}).status, 2);
  EXPECT_EQ(run({"diff", "-f", file, "--controller", "/nonexistent/c.sock"}).status, 2);
}

TEST_F(StateTest, AnAliasThatMakesFewBytesManyIsRefused) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) text += "," + last;
    text += "]\n";
  }
  const Ran ran = run({"diff", "-f", write("many.yaml", text)});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.err.find("too much"), std::string::npos) << ran.err.substr(0, 300);
}

TEST_F(StateTest, AStaleHashEndsWithConflictAndTheDifference) {
  const std::string file = write("mesh.yaml", "flags:\n  cart:\n    serve: {stage: simulate}\n");
  const Ran seen = run({"apply", "-f", file, "--dry-run", "-o", "json"});
  const std::string hash = (*parseJson(seen.out))["hash"].asString();
  ASSERT_EQ(run({"apply", "-f", write("other.yaml", kMesh), "--reason", "bo"}).status, kOk);
  const Ran stale = run({"apply", "-f", file, "--hash", hash, "--reason", "ada"});
  EXPECT_EQ(stale.status, kConflict) << stale.err;
  EXPECT_NE(stale.out.find("cart/serve"), std::string::npos) << stale.out;
}

TEST_F(StateTest, ANeedThatIsNotMetHasItsLineAndEndsNotReady) {
  const Ran ran = run({"apply", "--reason", "x", "-f",
                       write("mesh.yaml", "flags:\n  cart:\n    timeouts: {stage: on, settings: {request: 5s}}\n")});
  EXPECT_EQ(ran.status, kNotReady);
  EXPECT_NE(ran.err.find(":3:5: serve has to be on"), std::string::npos) << ran.err;
}

TEST_F(StateTest, AScopedTokenMayApplyItsPartOfTheFileAndHearsWhatIsNot) {
  const std::string file = write("mesh.yaml", kMesh);
  const auto runAs = [this](const std::string& token, std::vector<std::string> arguments) {
    ::setenv("LOAM_TOKEN", token.c_str(), 1);
    const Ran ran = run(std::move(arguments));
    ::unsetenv("LOAM_TOKEN");
    return ran;
  };
  const std::string db = secretOf("ci-db", "operator", R"(,"services":["db"])");
  const Ran applied = runAs(db, {"apply", "-f", file, "--reason", "x"});
  EXPECT_EQ(applied.status, kDenied);
  EXPECT_NE(applied.err.find("ci-db may not change cart/every feature, cart/serve, cart/timeouts"), std::string::npos)
      << applied.err;
  EXPECT_EQ(runAs(db, {"apply", "-f", file, "--dry-run"}).status, kDenied);
  EXPECT_EQ(runAs(db, {"diff", "-f", file}).status, 2);
  const std::string cart = secretOf("ci-cart", "operator", R"(,"services":["cart"])");
  EXPECT_EQ(runAs(cart, {"diff", "-f", file}).status, 1);
  EXPECT_EQ(runAs(cart, {"apply", "-f", file, "--reason", "x"}).status, kOk);
}

TEST_F(StateTest, PrunedAndUnified) {
  ASSERT_EQ(run({"apply", "-f", write("mesh.yaml", kMesh), "--reason", "x"}).status, kOk);
  const std::string file = write("less.yaml", "flags:\n  cart:\n    serve: {stage: simulate}\n");
  const Ran diff = run({"diff", "-f", file, "--prune", "--unified"});
  EXPECT_EQ(diff.status, 1);
  EXPECT_NE(diff.out.find("@@ flag cart/serve @@\n-stage: on\n+stage: simulate\n"), std::string::npos) << diff.out;
  EXPECT_NE(diff.out.find("@@ flag cart/timeouts @@"), std::string::npos) << diff.out;
  EXPECT_NE(diff.out.find("@@ service cart @@"), std::string::npos) << diff.out;
  ASSERT_EQ(run({"apply", "-f", file, "--prune", "--reason", "x"}).status, kOk);
  EXPECT_EQ(run({"diff", "-f", file, "--prune"}).status, 0);
}

TEST_F(StateTest, APreviewNamesCallersAndProxiesAndLeavesNothingOpen) {
  fill();
  stop();
  start();
  Ran preview;
  for (int i = 0; i < 500 && preview.out.find("frontend") == std::string::npos; ++i) {
    preview = run({"flag", "preview", "checkout.shop", "rate_limit", "enforce", "--percent", "50", "--settings",
                   R"({"connections":{"total":10}})"});
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(preview.status, kOk) << preview.err;
  EXPECT_NE(preview.out.find("checkout.shop/rate_limit  off -> enforce 50 % of sources\n  goes in    frontend\n"),
            std::string::npos)
      << preview.out;
  EXPECT_NE(preview.out.find("  carried by 1 proxy: web-1\n"), std::string::npos) << preview.out;
  EXPECT_NE(preview.out.find("CALLER"), std::string::npos) << preview.out;
  EXPECT_EQ(run({"change", "list", "-o", "name"}).out, "");
  const Ran kept = run({"flag", "preview", "checkout.shop", "observe", "sampled", "--percent", "10", "--keep"});
  EXPECT_NE(kept.out.find("  expected "), std::string::npos) << kept.out;
  const std::string id = run({"change", "list", "-o", "name"}).out;
  EXPECT_EQ(id.rfind("ch-", 0), 0u);
  EXPECT_NE(run({"change", "show", id.substr(0, id.size() - 1)}).out.find("frontend"), std::string::npos);
  ASSERT_EQ(run({"change", "apply", id.substr(0, id.size() - 1), "--reason", "x"}).status, kOk);
  const Ran history = run({"flag", "history", "checkout.shop", "observe"});
  EXPECT_NE(history.out.find("stage - -> sampled, percent - -> 10"), std::string::npos) << history.out;
}

TEST_F(StateTest, F8_ABackupIsRestoredWhenTheControllerHasEnded) {
  ASSERT_EQ(run({"apply", "-f", write("mesh.yaml", kMesh), "--reason", "x"}).status, kOk);
  const std::string file = directory / "backup.db";
  const Ran backup = run({"backup", file});
  ASSERT_EQ(backup.status, kOk) << backup.err;
  EXPECT_EQ(backup.out, file + "\n");
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(run({"backup", file}).status, kConflict);
  EXPECT_EQ(run({"backup", "/nonexistent/backup.db"}).status, kNotFound);
  ASSERT_EQ(run({"flag", "set", "cart", "serve", "off", "--reason", "x"}).status, kOk);
  const std::uint64_t epoch = json("/v1/controller")["epoch"].asUInt64();
  const Ran running = run({"restore", file, "--into", settings.control});
  EXPECT_EQ(running.status, kConflict);
  EXPECT_EQ(std::count(running.err.begin(), running.err.end(), '\n'), 1) << running.err;
  stop();
  const std::string damaged = write("damaged.db", read(file).substr(0, 6000));
  const Ran refused = run({"restore", damaged, "--into", settings.control});
  EXPECT_EQ(refused.status, kError);
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  EXPECT_NE(refused.err.find(damaged), std::string::npos) << refused.err;
  EXPECT_EQ(run({"restore", directory / "nothing.db", "--into", settings.control}).status, kNotFound);
  const Ran restored = run({"restore", file});  // into the home's own
  ASSERT_EQ(restored.status, kOk) << restored.err;
  start();
  EXPECT_EQ(json("/v1/services/cart/features/serve")["stage"], "on");
  EXPECT_GT(json("/v1/controller")["epoch"].asUInt64(), epoch);
  EXPECT_TRUE(json("/v1/audit/verification")["whole"].asBool());
}

}  // namespace
}  // namespace loam::cli
