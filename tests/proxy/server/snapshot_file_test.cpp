#include "proxy/server/snapshot_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "proxy/base/atomic_file.h"
#include "tests/support/small_disk.h"
#include "tests/support/temporary_directory.h"

namespace loam::server {
namespace {

std::string encoded(std::uint64_t epoch, std::uint64_t generation, std::size_t services = 0) {
  wire::Snapshot snapshot;
  snapshot.epoch = epoch;
  snapshot.generation = generation;
  snapshot.proxy = "p";
  for (std::size_t i = 0; i < services; ++i) {
    snapshot.services.push_back(
        {.name = "service-" + std::to_string(10'000 + i), .endpoints = {}, .pin = {}, .features = {}});
  }
  return wire::encode(snapshot);
}

class SnapshotFileTest : public testing::Test {
 protected:
  std::optional<std::uint64_t> kept() const {
    const auto loaded = SnapshotFile(path_).load();
    EXPECT_TRUE(loaded) << loaded.error().context;
    if (!loaded || !*loaded) return std::nullopt;
    return (*loaded)->generation;
  }
  std::string slot(std::size_t which) const { return SnapshotFile(path_).slots()[which]; }
  /// Changes one byte of a slot's content.
  void damage(std::size_t which) const {
    std::string text = readFile(slot(which), 1 << 20).value();
    text[80] ^= 1;
    ASSERT_TRUE(replaceFile(slot(which), text));
  }

  test::TemporaryDirectory directory_;
  const std::string path_ = directory_ / "snapshot";
};

TEST_F(SnapshotFileTest, HasTheLastThatWasStored) {
  EXPECT_EQ(kept(), std::nullopt);
  SnapshotFile file(path_);
  for (std::uint64_t generation = 1; generation <= 5; ++generation) {
    ASSERT_TRUE(file.store(encoded(1, generation)));
    EXPECT_EQ(kept(), generation);
  }
}

TEST_F(SnapshotFileTest, GoesOverTheOlderOneAlsoAfterARestart) {
  for (std::uint64_t generation = 1; generation <= 5; ++generation) {
    ASSERT_TRUE(SnapshotFile(path_).store(encoded(1, generation)));
    EXPECT_EQ(kept(), generation);
    if (generation == 1) continue;
    damage(generation % 2 == 0 ? 0 : 1);  // where the next one goes
    EXPECT_EQ(kept(), generation) << "the newer one was not touched";
  }
}

TEST_F(SnapshotFileTest, ALaterEpochIsNewerWhateverItsGeneration) {
  SnapshotFile file(path_);
  ASSERT_TRUE(file.store(encoded(1, 900)));
  ASSERT_TRUE(file.store(encoded(2, 1)));
  EXPECT_EQ(kept(), 1u);
}

TEST_F(SnapshotFileTest, OneThatIsShorterOrLongerThanWhatItGoesOverIsReadWhole) {
  SnapshotFile file(path_);
  std::uint64_t generation = 0;
  for (const std::size_t services : {200u, 200u, 0u, 1u, 40u, 3u, 500u}) {
    const std::string text = encoded(1, ++generation, services);
    ASSERT_TRUE(file.store(text));
    EXPECT_EQ(wire::encode(SnapshotFile(path_).load().value().value()), text) << services;
  }
}

TEST_F(SnapshotFileTest, EveryChangedByteAndEveryCutIsFound) {
  const std::string content = encoded(1, 4);
  ASSERT_TRUE(SnapshotFile(path_).store(content));
  const std::string whole = readFile(slot(0), 10'000).value();
  const std::size_t end = whole.find('\n') + 1 + content.size();
  for (std::size_t at = 0; at < end; ++at) {
    std::string changed = whole;
    changed[at] ^= 0x20;
    ASSERT_TRUE(replaceFile(slot(0), changed));
    EXPECT_EQ(SnapshotFile(path_).load().error().code, ErrorCode::Protocol) << at;
  }
  for (std::size_t length = 0; length < end; ++length) {
    ASSERT_TRUE(replaceFile(slot(0), whole.substr(0, length)));
    EXPECT_EQ(SnapshotFile(path_).load().error().code, ErrorCode::Protocol) << length;
  }
}

TEST_F(SnapshotFileTest, WhenTheNewerIsDamagedTheOlderIsBetterThanNothing) {
  SnapshotFile file(path_);
  ASSERT_TRUE(file.store(encoded(1, 4)));
  ASSERT_TRUE(file.store(encoded(1, 5)));
  damage(1);
  EXPECT_EQ(kept(), 4u);
  damage(0);
  EXPECT_EQ(SnapshotFile(path_).load().error().code, ErrorCode::Protocol);
  file.moveAside();
  EXPECT_EQ(kept(), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(slot(0) + ".damaged"));
  EXPECT_TRUE(std::filesystem::exists(slot(1) + ".damaged"));
}

TEST_F(SnapshotFileTest, F3_AFullDiskHasRoomForWhatGoesOverAnOlderOne) {
  test::SmallDisk disk("128k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  SnapshotFile file(disk / "snapshot");
  ASSERT_TRUE(file.store(encoded(1, 1)));
  ASSERT_TRUE(file.store(encoded(1, 2)));
  disk.fill();
  ASSERT_TRUE(file.store(encoded(1, 3)));
  EXPECT_EQ(file.load().value()->generation, 3u);
  ASSERT_FALSE(file.store(encoded(1, 4, 500))) << "a longer one needs more";
  EXPECT_EQ(file.load().value()->generation, 3u) << "the newest stays whole";
  ASSERT_TRUE(file.store(encoded(1, 5)));
  EXPECT_EQ(file.load().value()->generation, 5u);
}

TEST_F(SnapshotFileTest, NobodyElseReadsIt) {
  ASSERT_TRUE(SnapshotFile(path_).store(encoded(1, 4)));
  struct stat found {};
  ASSERT_EQ(::stat(slot(0).c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace loam::server
