#pragma once

#include <filesystem>

#include "tests/db/ledger_contract.h"
#include "tests/support/temporary_directory.h"

// What a ledger has to do that keeps what it was told. In one file of a test binary:
//   INSTANTIATE_TEST_SUITE_P(Name, DurableLedgerContractTest, testing::Values(<a DurableLedgerFactory>));

namespace loam::audit {

/// A store under test that can be opened again, once the ledger that it gave is gone.
class DurableLedgerStore : public LedgerStore {
 public:
  /// A ledger over a backup alone.
  virtual std::unique_ptr<Ledger> openBackup(const std::filesystem::path& file, const Clock& clock) = 0;
};

struct DurableLedgerFactory {
  const char* name = "";
  std::unique_ptr<DurableLedgerStore> (*make)() = nullptr;

  friend void PrintTo(const DurableLedgerFactory& factory, std::ostream* out) { *out << factory.name; }
};

class DurableLedgerContractTest : public testing::TestWithParam<DurableLedgerFactory> {
 protected:
  std::uint64_t commit(int number) {
    const std::vector<Edit> edits{{"flag", "a", {}, bodyOf("on", number)}, {"flag", "b", {}, bodyOf("on", number)}};
    const auto done = ledger_->commit(edits, by("ada"));
    EXPECT_TRUE(done) << done.error().describe();
    return done ? done->revision : 0;
  }

  test::FakeClock clock_;
  test::TemporaryDirectory directory_;
  std::unique_ptr<DurableLedgerStore> store_ = GetParam().make();
  std::unique_ptr<Ledger> ledger_ = store_->open(clock_);
};

TEST_P(DurableLedgerContractTest, KeepsAllWhenItIsOpenedAgain) {
  for (int i = 0; i < 10; ++i) commit(i);
  const std::uint64_t gone =
      ledger_->commit(std::vector<Edit>{{"flag", "b", {}, {}}}, by("bob", "flag.delete"))->revision;
  const auto documents = documentsOf(*ledger_);
  const auto events = eventsOf(*ledger_);
  ledger_.reset();
  ledger_ = store_->open(clock_);
  EXPECT_EQ(documentsOf(*ledger_), documents);
  EXPECT_EQ(eventsOf(*ledger_), events);
  EXPECT_EQ(ledger_->verify()->events, 21u);
  EXPECT_GT(commit(10), gone);
  EXPECT_EQ(ledger_->verify()->events, 23u);
}

TEST_P(DurableLedgerContractTest, ABackupHoldsAll) {
  for (int i = 0; i < 10; ++i) commit(i);
  ASSERT_TRUE(ledger_->backup(directory_ / "backup"));
  const auto copy = store_->openBackup(directory_ / "backup", clock_);
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(documentsOf(*copy), documentsOf(*ledger_));
  EXPECT_EQ(eventsOf(*copy), eventsOf(*ledger_));
}

TEST_P(DurableLedgerContractTest, ABackupReplacesNoFile) {
  commit(1);
  ASSERT_TRUE(ledger_->backup(directory_ / "backup"));
  const auto size = std::filesystem::file_size(directory_ / "backup");
  for (int i = 0; i < 100; ++i) commit(i);
  const Status again = ledger_->backup(directory_ / "backup");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::Conflict);
  EXPECT_EQ(std::filesystem::file_size(directory_ / "backup"), size);
  EXPECT_FALSE(ledger_->backup(directory_ / "no such directory" / "backup"));
}

TEST_P(DurableLedgerContractTest, ABackupWhileCommitsGoOnIsOfOneMoment) {
  std::atomic<bool> ended{false};
  std::atomic<int> commits{0};
  std::thread writer([&] {
    while (!ended) commit(++commits);
  });
  for (int i = 0; i < 5; ++i) {
    const int before = commits;
    while (commits < before + 3) std::this_thread::yield();
    const auto file = directory_ / ("backup" + std::to_string(i));
    const std::uint64_t least = ledger_->verify()->events;
    const Status done = ledger_->backup(file);
    EXPECT_TRUE(done) << done.error().describe();
    const auto copy = store_->openBackup(file, clock_);
    if (copy == nullptr) {
      ADD_FAILURE() << "no backup " << i;
      break;
    }
    const auto verified = copy->verify();
    EXPECT_TRUE(verified);
    EXPECT_GE(verified->events, least);
    const auto documents = documentsOf(*copy);
    EXPECT_EQ(documents.size(), 2u);
    EXPECT_EQ(documents.front().body, documents.back().body);
  }
  ended = true;
  writer.join();
  EXPECT_EQ(ledger_->verify()->events, 2u * static_cast<unsigned>(commits));
}

}  // namespace loam::audit
