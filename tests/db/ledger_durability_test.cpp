#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "tests/db/control_file.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/small_disk.h"

namespace loam::db {
namespace {

using audit::Edit;

/// One step of a rollout: three flags that belong together.
std::vector<Edit> stepTo(int number) {
  return {{"flag", "a", {}, audit::bodyOf("on", number)},
          {"flag", "b", {}, audit::bodyOf("on", number)},
          {"rollout", "r", {}, audit::bodyOf("step", number)}};
}

/// The child commits for ever and writes the number of each acknowledged step to the pipe; now and then it makes a
/// backup, so that it is killed in the middle of one too.
[[noreturn]] void commitForEver(const std::filesystem::path& path, int first, int acknowledged) {
  const SystemClock clock;
  const auto ledger = openLedger(path, clock, {.busy = milliseconds(5000), .logBytes = 64 * 1024});
  if (!ledger) ::_exit(3);
  for (int number = first;; ++number) {
    const auto done = (*ledger)->commit(stepTo(number), audit::by("ada", "rollout.step"));
    if (!done || !done->stale.empty()) ::_exit(4);
    if (::write(acknowledged, &number, sizeof number) != sizeof number) ::_exit(5);
    if (number % 50 == 0 && !(*ledger)->backup(path.string() + ".backup-" + std::to_string(number))) ::_exit(6);
  }
}

TEST(LedgerDurabilityTest, F1_KillAtAnyInstantLosesNoAcknowledgedCommit) {
  const TemporaryDirectory directory;
  const auto path = directory / "control.db";
  const test::FakeClock clock;
  std::mt19937_64 random(23);
  int stored = 0;
  std::vector<std::chrono::steady_clock::duration> starts;
  for (int round = 0; round < 100; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      commitForEver(path, stored + 1, ends[1]);
    }
    ::close(ends[1]);
    // Every other time it is killed before its first answer, perhaps while it makes or opens the file.
    int acknowledged = stored;
    if (round % 2 == 0) {
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    ::close(ends[0]);

    const auto begun = std::chrono::steady_clock::now();
    const auto ledger = openControl(path, clock);  // checks the file
    starts.push_back(std::chrono::steady_clock::now() - begun);
    ASSERT_NE(ledger, nullptr);
    const auto documents = audit::documentsOf(*ledger);
    stored = documents.empty() ? 0 : documents.front().body["share"].asInt();
    ASSERT_GE(stored, acknowledged);
    ASSERT_LE(stored, acknowledged + 1);  // committed, killed before it could say so
    for (const audit::Document& document : documents)
      ASSERT_EQ(document.body["share"].asInt(), stored) << "half a step";
    const auto verified = ledger->verify();
    ASSERT_TRUE(verified) << verified.error().describe();
    ASSERT_EQ(verified->events, 3u * static_cast<unsigned>(stored));
  }
  EXPECT_GT(stored, 50);
  std::sort(starts.begin(), starts.end());
  EXPECT_LT(starts[starts.size() / 2], std::chrono::seconds(2));
  // Every backup that has its name is whole.
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    const std::string name = file.path().filename();
    if (!name.starts_with("control.db.backup-") || contains(name, "partial")) continue;
    const TemporaryDirectory elsewhere;
    std::filesystem::copy(file.path(), elsewhere / "control.db");
    const auto backup = openControl(elsewhere / "control.db", clock);
    ASSERT_NE(backup, nullptr);
    EXPECT_TRUE(backup->verify());
  }
}

TEST(LedgerDurabilityTest, F3_AFullDiskRefusesCommitsAndKeepsWhatWasThere) {
  test::SmallDisk disk("2m");
  if (!disk.mounted()) GTEST_SKIP() << "needs root to mount a tmpfs";
  const test::FakeClock clock;
  const auto ledger = openControl(disk / "control.db", clock);
  disk.fill();
  int kept = 0;
  Result<audit::Commit> answer;
  for (int number = 1; number < 10'000; ++number) {
    answer = ledger->commit(stepTo(number), audit::by("ada"));
    if (!answer) break;
    kept = number;
  }
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Exhausted) << answer.error().describe();
  const auto expectWhole = [&ledger](int number) {
    const auto documents = ledger->documents();
    ASSERT_TRUE(documents) << documents.error().describe();
    for (const audit::Document& document : *documents) EXPECT_EQ(document.body["share"].asInt(), number);
    const auto verified = ledger->verify();
    ASSERT_TRUE(verified) << verified.error().describe();
    EXPECT_EQ(verified->events, 3u * static_cast<unsigned>(number));
  };
  // Reads go on, and so do refusals, without harm.
  expectWhole(kept);
  for (int i = 0; i < 5; ++i) {
    const auto again = ledger->commit(stepTo(kept + 1), audit::by("ada"));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::Exhausted) << again.error().describe();
  }
  expectWhole(kept);
  EXPECT_FALSE(ledger->backup(disk / "backup.db"));
  EXPECT_FALSE(std::filesystem::exists(disk / "backup.db"));
  // Room again: it recovers alone.
  disk.relieve();
  const auto recovered = ledger->commit(stepTo(kept + 1), audit::by("ada"));
  ASSERT_TRUE(recovered) << recovered.error().describe();
  expectWhole(kept + 1);
}

TEST(LedgerDurabilityTest, F3_AfterAnErrorOfTheDiskTheFileIsReadAnew) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  const auto ledger = openControl(directory / "control.db", clock);
  commitNumber(*ledger, 1);
  {
    // SQLite takes it for a disk that fails: the outcome is unknown, whatever it was.
    const test::FileSizeLimit limit(1000);
    const std::vector<Edit> edits{{"flag", "a", {}, audit::bodyOf(std::string(10'000, 'x'), 2)}};
    for (int i = 0; i < 3; ++i) {
      const auto failed = ledger->commit(edits, audit::by("ada"));
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().code, ErrorCode::Io) << failed.error().describe();
      EXPECT_TRUE(contains(failed.error().context, (directory / "control.db").string()));
    }
  }
  EXPECT_EQ(numberOf(*ledger), 1);
  commitNumber(*ledger, 3);
  EXPECT_EQ(numberOf(*ledger), 3);
  EXPECT_EQ(ledger->verify()->events, 2u);
}

TEST(LedgerDurabilityTest, F3_AFileThatWasDamagedMeanwhileIsNotWrittenOn) {
  const TemporaryDirectory directory;
  const test::FakeClock clock;
  const auto ledger = openControl(directory / "control.db", clock);
  commitNumber(*ledger, 1);
  ForeignConnection(directory / "control.db").run("DELETE FROM heads");
  const std::vector<Edit> edits{{"flag", "a", {}, audit::bodyOf("on", 2)}};
  for (int i = 0; i < 2; ++i) {
    const auto refused = ledger->commit(edits, audit::by("ada"));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(contains(refused.error().context, "has no head; restore a backup")) << refused.error().context;
  }
  EXPECT_EQ(numberOf(*ledger), 1);
}

}  // namespace
}  // namespace loam::db
