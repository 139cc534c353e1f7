#include "rollout/audit/journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <random>

#include "proxy/base/json.h"
#include "tests/rollout/audit/sample_events.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/small_disk.h"
#include "tests/support/temporary_directory.h"

namespace loam::audit {
namespace {

using test::SmallDisk;
using test::TemporaryDirectory;
using Path = std::filesystem::path;

JournalEntry numbered(int number, std::size_t padding = 0) {
  Json::Value body(Json::objectValue);
  body["killed"] = true;
  body["number"] = number;
  body["padding"] = std::string(padding, 'p');
  return {{{"flag", "checkout/mtls", {}, body}, {"flag", "old", 7, {}}}, actOf("kill"), number};
}

std::unique_ptr<Journal> open(const Path& path, std::size_t room = Journal::kRoom) {
  auto journal = Journal::open(path, room);
  EXPECT_TRUE(journal) << journal.error().describe();
  return journal ? *std::move(journal) : nullptr;
}

/// The numbers of what it holds.
std::vector<int> numbersOf(const Journal& journal, std::size_t damaged = 0) {
  const auto contents = journal.read();
  EXPECT_TRUE(contents) << contents.error().describe();
  std::vector<int> numbers;
  if (!contents) return numbers;
  EXPECT_EQ(contents->damaged, damaged);
  for (const JournalEntry& entry : contents->entries) numbers.push_back(static_cast<int>(entry.at));
  return numbers;
}

std::string bytesOf(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void writeBytes(const Path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

using Numbers = std::vector<int>;

TEST(JournalTest, GivesBackWhatWasAppendedAlsoAfterARestart) {
  const TemporaryDirectory directory;
  {
    const auto journal = open(directory / "journal");
    EXPECT_EQ(numbersOf(*journal), Numbers{});
    ASSERT_TRUE(journal->append(numbered(1)));
    ASSERT_TRUE(journal->append(numbered(2)));
    EXPECT_EQ(numbersOf(*journal), (Numbers{1, 2}));
  }
  const auto journal = open(directory / "journal");
  ASSERT_TRUE(journal->append(numbered(3)));
  EXPECT_EQ(numbersOf(*journal), (Numbers{1, 2, 3}));
  const JournalEntry entry = journal->read()->entries[1];
  EXPECT_EQ(entry.act, actOf("kill"));
  ASSERT_EQ(entry.edits.size(), 2u);
  EXPECT_EQ(entry.edits[0].key, "checkout/mtls");
  EXPECT_FALSE(entry.edits[0].expected);
  EXPECT_EQ(writeJson(*entry.edits[0].body), R"({"killed":true,"number":2,"padding":""})");
  EXPECT_EQ(entry.edits[1].expected, 7u);
  EXPECT_FALSE(entry.edits[1].body);
}

TEST(JournalTest, ForgetsWhatTheLedgerHas) {
  const TemporaryDirectory directory;
  const auto journal = open(directory / "journal");
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(journal->append(numbered(i, 1000)));  // beyond its room
  EXPECT_GT(std::filesystem::file_size(directory / "journal"), Journal::kRoom);
  ASSERT_TRUE(journal->clear());
  EXPECT_EQ(numbersOf(*journal), Numbers{});
  EXPECT_EQ(std::filesystem::file_size(directory / "journal"), Journal::kRoom);
  ASSERT_TRUE(journal->append(numbered(7)));
  EXPECT_EQ(numbersOf(*journal), Numbers{7});
  EXPECT_EQ(numbersOf(*open(directory / "journal")), Numbers{7});
}

TEST(JournalTest, IsForItsOwnerAloneAndHasItsRoomFromTheStart) {
  const TemporaryDirectory directory;
  open(directory / "journal");
  struct stat status {};
  ASSERT_EQ(::stat((directory / "journal").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_GE(static_cast<std::size_t>(status.st_blocks) * 512, Journal::kRoom);
}

TEST(JournalTest, LeavesOtherFilesAlone) {
  const TemporaryDirectory directory;
  writeBytes(directory / "letter", "dear friend,\n");
  const auto journal = Journal::open(directory / "letter");
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::Unsupported);
  EXPECT_NE(journal.error().context.find((directory / "letter").string()), std::string::npos);
  EXPECT_EQ(bytesOf(directory / "letter"), "dear friend,\n");
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link");
  EXPECT_FALSE(Journal::open(directory / "link"));
}

TEST(JournalTest, BeginsAnewWhereAFirstStartWasCutOff) {
  const TemporaryDirectory directory;
  for (const std::size_t zeros : {0u, 100u, 65536u}) {
    writeBytes(directory / "journal", std::string(zeros, '\0'));
    const auto journal = open(directory / "journal");
    ASSERT_NE(journal, nullptr);
    ASSERT_TRUE(journal->append(numbered(1)));
    EXPECT_EQ(numbersOf(*journal), Numbers{1});
  }
}

TEST(JournalTest, F3_AFullDiskTakesNothingFromIt) {
  SmallDisk disk("256k");
  if (!disk.mounted()) GTEST_SKIP() << "needs root to mount a tmpfs";
  const auto journal = open(disk / "journal");
  disk.fill();
  Numbers appended;
  Status answer;
  for (int i = 0; i < 1000; ++i) {
    answer = journal->append(numbered(i));
    if (!answer) break;
    appended.push_back(i);
  }
  // Its room is there; what goes beyond is refused, and nothing of it is lost.
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Exhausted) << answer.error().describe();
  EXPECT_GT(appended.size(), 100u);
  EXPECT_EQ(numbersOf(*journal), appended);
  EXPECT_EQ(numbersOf(*open(disk / "journal")), appended);
  ASSERT_TRUE(journal->clear());
  ASSERT_TRUE(journal->append(numbered(1)));
  EXPECT_EQ(numbersOf(*journal), Numbers{1});
}

TEST(JournalTest, F3_ItOpensOnAFullDiskWhenItWasThereBefore) {
  SmallDisk disk("256k");
  if (!disk.mounted()) GTEST_SKIP() << "needs root to mount a tmpfs";
  ASSERT_TRUE(open(disk / "journal")->append(numbered(1)));
  disk.fill();
  const auto journal = open(disk / "journal");
  ASSERT_NE(journal, nullptr);
  ASSERT_TRUE(journal->append(numbered(2)));
  EXPECT_EQ(numbersOf(*journal), (Numbers{1, 2}));
  EXPECT_FALSE(Journal::open(disk / "another"));
}

TEST(JournalTest, F2_AnyTornLastLineIsPassedOver) {
  const TemporaryDirectory directory;
  const auto path = directory / "journal";
  std::size_t before = 0;
  {
    const auto journal = open(path, 2048);
    ASSERT_TRUE(journal->append(numbered(1)));
    ASSERT_TRUE(journal->append(numbered(2)));
    before = bytesOf(path).find_last_not_of('\0') + 1;
    ASSERT_TRUE(journal->append(numbered(3)));
  }
  const std::string whole = bytesOf(path);
  const std::size_t after = whole.find_last_not_of('\0') + 1;
  std::mt19937 random(3);
  for (std::size_t cut = before; cut < after; cut += cut + 3 < after ? 3 : 1) {
    // The end is missing, or the beginning, or anything of it: sectors come to the disk in any order.
    std::string end = whole;
    std::fill(end.begin() + static_cast<std::ptrdiff_t>(cut), end.begin() + static_cast<std::ptrdiff_t>(after), '\0');
    std::string beginning = whole;
    std::fill(beginning.begin() + static_cast<std::ptrdiff_t>(before),
              beginning.begin() + static_cast<std::ptrdiff_t>(cut + 1), '\0');
    std::string holes = whole;
    for (std::size_t i = before; i < after; ++i) holes[i] = random() % 4 == 0 ? '\0' : holes[i];
    holes[cut] = '\0';
    for (const std::string& torn : {end, beginning, holes, whole.substr(0, cut)}) {
      writeBytes(path, torn);
      const auto journal = open(path, 2048);
      ASSERT_NE(journal, nullptr) << cut;
      ASSERT_EQ(numbersOf(*journal), (Numbers{1, 2})) << cut;
      ASSERT_TRUE(journal->append(numbered(4)));
      ASSERT_EQ(numbersOf(*journal), (Numbers{1, 2, 4})) << cut;
      ASSERT_EQ(numbersOf(*open(path, 2048)), (Numbers{1, 2, 4})) << cut;
    }
  }
}

TEST(JournalTest, F2_AHalfClearedJournalBringsNothingBack) {
  const TemporaryDirectory directory;
  const auto path = directory / "journal";
  {
    const auto journal = open(path, 2048);
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(journal->append(numbered(i)));
  }
  const std::string whole = bytesOf(path);
  const std::size_t header = whole.find('\n') + 1;
  for (std::size_t cleared = header + 1; cleared < whole.size(); cleared += 7) {
    std::string half = whole;
    std::fill(half.begin() + static_cast<std::ptrdiff_t>(header), half.begin() + static_cast<std::ptrdiff_t>(cleared),
              '\0');
    writeBytes(path, half);
    const auto journal = open(path, 2048);
    ASSERT_EQ(numbersOf(*journal), Numbers{}) << cleared;
    for (std::size_t padding : {0u, 100u}) ASSERT_TRUE(journal->append(numbered(9, padding)));
    ASSERT_EQ(numbersOf(*journal), (Numbers{9, 9})) << cleared;
  }
}

TEST(JournalTest, F3_AClearThatFailsHalfWayBringsNothingBackEither) {
  const TemporaryDirectory directory;
  const auto journal = open(directory / "journal", 2048);
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(journal->append(numbered(i)));
  {
    const test::FileSizeLimit limit(500);
    const Status cleared = journal->clear();
    ASSERT_FALSE(cleared);
    EXPECT_EQ(cleared.error().code, ErrorCode::Io) << cleared.error().describe();
  }
  ASSERT_TRUE(journal->append(numbered(9, 100)));
  EXPECT_EQ(numbersOf(*journal), Numbers{9});
  EXPECT_EQ(numbersOf(*open(directory / "journal", 2048)), Numbers{9});
}

TEST(JournalTest, F4_ADamagedLineIsCountedAndHidesNoOther) {
  const TemporaryDirectory directory;
  const auto path = directory / "journal";
  {
    const auto journal = open(path);
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(journal->append(numbered(i)));
  }
  const std::string whole = bytesOf(path);
  const std::size_t second = whole.find('\n', whole.find('\n') + 1) + 1;
  const std::size_t third = whole.find('\n', second) + 1;
  for (std::size_t at = second; at + 1 < third; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    if (damaged[at] == '\n' || damaged[at] == '\0') continue;
    writeBytes(path, damaged);
    ASSERT_EQ(numbersOf(*open(path), 1), (Numbers{1, 3})) << at;
  }
}

TEST(JournalTest, F1_AKillLosesNoAcknowledgedEntry) {
  const TemporaryDirectory directory;
  const auto path = directory / "journal";
  std::mt19937 random(11);
  int next = 0;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto journal = Journal::open(path);
      for (int i = next; journal; ++i) {
        if (!(*journal)->append(numbered(i)) || ::write(ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
      }
      ::_exit(2);
    }
    ::close(ends[1]);
    int acknowledged = 0;
    for (auto left = 1 + random() % 20; left > 0; --left)
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    ::close(ends[0]);
    const Numbers held = numbersOf(*open(path));
    ASSERT_GT(held.size(), static_cast<std::size_t>(acknowledged));
    for (std::size_t i = 0; i < held.size(); ++i) ASSERT_EQ(held[i], static_cast<int>(i));
    next = static_cast<int>(held.size());
  }
}

}  // namespace
}  // namespace loam::audit
