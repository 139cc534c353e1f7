#include "db/spool_directory.h"

#include "tests/db/sample.h"

namespace loam::db {
namespace {

TEST(SpoolDirectoryTest, AProxyBesideADrainingOneHasASpoolOfItsOwn) {
  const TemporaryDirectory directory;
  auto draining = openFreeSpool(directory.path());
  ASSERT_TRUE(draining) << draining.error().describe();
  ASSERT_TRUE((*draining)->push("old"));
  auto next = openFreeSpool(directory.path());
  ASSERT_TRUE(next) << next.error().describe();
  EXPECT_EQ((*next)->size(), 0u);
  ASSERT_TRUE((*next)->push("new"));
  EXPECT_EQ((*draining)->size(), 1u);
}

TEST(SpoolDirectoryTest, WhatPredecessorsLeftIsTakenOver) {
  const TemporaryDirectory directory;
  {
    auto first = openFreeSpool(directory.path());
    auto second = openFreeSpool(directory.path());
    ASSERT_TRUE(first && second);
    ASSERT_TRUE((*first)->push("one"));
    ASSERT_TRUE((*second)->push("two"));
    ASSERT_TRUE((*second)->push("three"));
  }
  auto last = openFreeSpool(directory.path());
  ASSERT_TRUE(last) << last.error().describe();
  for (const char* expected : {"one", "two", "three"}) {
    EXPECT_EQ(**(*last)->front(), expected);
    ASSERT_TRUE((*last)->pop());
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "spool-1.db"));
}

TEST(SpoolDirectoryTest, APredecessorThatEndsLaterIsTakenOverByAndBy) {
  const TemporaryDirectory directory;
  auto draining = openFreeSpool(directory.path());
  auto next = openFreeSpool(directory.path());
  ASSERT_TRUE(draining && next);
  ASSERT_TRUE((*draining)->push("last words"));
  ASSERT_TRUE((*next)->adopt());
  EXPECT_EQ((*next)->size(), 0u) << "it is still held";
  draining->reset();
  ASSERT_TRUE((*next)->adopt());
  ASSERT_EQ((*next)->size(), 1u);
  EXPECT_EQ(**(*next)->front(), "last words");
  EXPECT_FALSE(std::filesystem::exists(directory / "spool.db"));
}

}  // namespace
}  // namespace loam::db
