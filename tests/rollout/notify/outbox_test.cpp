#include "rollout/notify/outbox.h"

#include <gtest/gtest.h>

namespace loam::notify {
namespace {

const Monotonic kStart{std::chrono::hours(1)};

Letter letter(const std::string& id, std::uint64_t sequence = 0) {
  Letter made;
  made.id = id;
  made.event = "test";
  made.body = "{\"id\":\"" + id + "\"}";
  made.sequence = sequence;
  made.born = 5;
  return made;
}

TEST(OutboxTest, TheOldestGoesFirst) {
  Outbox box;
  EXPECT_EQ(box.due(kStart), nullptr);
  EXPECT_EQ(box.next(), std::nullopt);
  box.add(letter("a"));
  box.add(letter("b"));
  EXPECT_EQ(box.due(kStart)->id, "a");
  box.find("a")->due = kStart + seconds(10);
  EXPECT_EQ(box.due(kStart)->id, "b") << "the first has to wait";
  box.remove("b");
  EXPECT_EQ(box.due(kStart), nullptr);
  EXPECT_EQ(box.next(), kStart + seconds(10));
  EXPECT_EQ(box.due(kStart + seconds(10))->id, "a");
}

TEST(OutboxTest, TheSameIsTakenInOnce) {
  Outbox box;
  box.add(letter("a"));
  EXPECT_FALSE(box.add(letter("a")));
  EXPECT_EQ(box.size(), 1u);
}

TEST(OutboxTest, OfTooManyTheOldestIsDroppedUnlessItIsOnItsWay) {
  Outbox box;
  for (std::size_t i = 0; i < Outbox::kMost; ++i) EXPECT_FALSE(box.add(letter(std::to_string(i))));
  EXPECT_EQ(box.add(letter("x"), "0")->id, "1");
  EXPECT_EQ(box.add(letter("y"), "0")->id, "2");
  EXPECT_EQ(box.add(letter("z"))->id, "0");
  EXPECT_EQ(box.size(), Outbox::kMost);
  EXPECT_EQ(box.find("0"), nullptr);
}

TEST(OutboxTest, ItKnowsUpToWhereAllIsSettled) {
  Outbox box;
  box.readTo(10);
  EXPECT_EQ(box.settled(), 10u);
  box.add(letter("a", 12));
  box.add(letter("b", 15));
  box.add(letter("state"));
  box.readTo(20);
  EXPECT_EQ(box.settled(), 11u);
  box.remove("a");
  EXPECT_EQ(box.settled(), 14u);
  box.remove("b");
  EXPECT_EQ(box.settled(), 20u);
  box.readTo(5);
  EXPECT_EQ(box.settled(), 20u) << "it never goes back by itself";
  box.goBackTo(7);
  EXPECT_EQ(box.settled(), 7u);
}

TEST(OutboxTest, WhatStandsInNoLogIsKeptAndTheRestIsReadAgain) {
  Outbox box;
  box.readTo(20);
  box.add(letter("a", 12));
  box.add(letter("state"));
  const auto again = Outbox::fromJson(box.toJson());
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(again->settled(), 11u);
  ASSERT_EQ(again->size(), 1u);
  EXPECT_EQ(again->due(kStart)->id, "state");
  EXPECT_EQ(again->due(kStart)->body, "{\"id\":\"state\"}");
  EXPECT_EQ(again->due(kStart)->born, 5);
}

TEST(OutboxTest, WhatCannotBeReadIsSaid) {
  EXPECT_FALSE(Outbox::fromJson(Json::Value()));
  Json::Value value(Json::objectValue);
  value["after"] = 3;
  EXPECT_TRUE(Outbox::fromJson(value));
  value["waiting"][0]["id"] = "a";
  EXPECT_FALSE(Outbox::fromJson(value));
}

}  // namespace
}  // namespace loam::notify
