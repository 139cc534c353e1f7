#include "proxy/base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "proxy/base/sha256.h"

namespace loam {
namespace {

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() {
    char name[] = "/tmp/loam-atomic-XXXXXX";
    directory = ::mkdtemp(name);
    path = directory + "/file";
  }
  ~AtomicFileTest() override { std::filesystem::remove_all(directory); }
  std::string directory, path;
};

TEST_F(AtomicFileTest, ReadsBackWhatItPutThere) {
  EXPECT_EQ(readFile(path, 100).error().code, ErrorCode::NotFound);
  ASSERT_TRUE(replaceFile(path, "one"));
  EXPECT_EQ(*readFile(path, 100), "one");
  const std::string much(300'000, 'x');
  ASSERT_TRUE(replaceFile(path, much));
  EXPECT_EQ(*readFile(path, much.size()), much);
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(AtomicFileTest, RefusesAFileThatIsTooLong) {
  ASSERT_TRUE(replaceFile(path, "12345"));
  EXPECT_EQ(readFile(path, 4).error().code, ErrorCode::Exhausted);
}

TEST_F(AtomicFileTest, KeepsTheOldContentWhereTheNewCannotBeWritten) {
  ASSERT_TRUE(replaceFile(path, "old"));
  std::filesystem::create_directory(path + ".next");  // what stands in the way of writing
  EXPECT_FALSE(replaceFile(path, "new"));
  EXPECT_EQ(*readFile(path, 100), "old");
}

TEST(Sha256Test, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace loam
