#include "tests/rollout/fleet/fleet_fixture.h"

namespace loam::fleet {
namespace {

using FleetDrainTest = FleetTest;

TEST_F(FleetDrainTest, ADrainChangesTheBytesOfThatProxyAlone) {
  const auto one = ask(able(question("p1")));
  const auto two = ask(able(question("p2")));
  const std::string before = *fleet.snapshotOf("p1");
  const std::string other = *fleet.snapshotOf("p2");
  const auto oneMore = ask(able(running(*one->snapshot)));
  const auto twoMore = ask(able(running(*two->snapshot)));
  setDrained("p1", true);
  ASSERT_TRUE(oneMore->snapshot);
  EXPECT_TRUE(oneMore->snapshot->drained);
  EXPECT_FALSE(twoMore->done);
  EXPECT_EQ(*fleet.snapshotOf("p2"), other);
  EXPECT_TRUE(fleet.progress("shop", desired.revision).isDone()) << "who is not drained has what is wanted";
  const auto resumed = ask(able(running(*oneMore->snapshot)));
  setDrained("p1", false);
  ASSERT_TRUE(resumed->snapshot);
  wire::Snapshot again = *resumed->snapshot;
  again.generation = one->snapshot->generation;
  EXPECT_EQ(wire::encode(again), before) << "as if nothing had been";
  EXPECT_EQ(*fleet.snapshotOf("p2"), other);
}

TEST_F(FleetDrainTest, AProxyThatDoesNotKnowDrainsIsNeverToldOfOne) {
  setDrained("p1", true);
  const auto first = ask(question("p1"));
  ASSERT_TRUE(first->snapshot);
  EXPECT_FALSE(first->snapshot->drained);
  EXPECT_EQ(drainState("p1"), DrainState::TooOld);
  const auto newer = ask(able(running(*first->snapshot)));
  ASSERT_TRUE(newer->snapshot) << "its successor does";
  EXPECT_TRUE(newer->snapshot->drained);
  EXPECT_EQ(drainState("p1"), DrainState::Asked);
  const auto older = ask(running(*newer->snapshot));
  ASSERT_TRUE(older->snapshot);
  EXPECT_FALSE(older->snapshot->drained);
}

TEST_F(FleetDrainTest, ADrainIsInEffectWhenTheProxySaysSoOfThisOne) {
  const auto first = ask(able(question("p1")));
  EXPECT_EQ(drainState("p1"), DrainState::None);
  const auto asked = ask(able(running(*first->snapshot)));
  setDrained("p1", true);
  EXPECT_EQ(drainState("p1"), DrainState::Asked);
  wire::Watch drained = able(running(*asked->snapshot));
  drained.drained = wire::Drained{true, 0, {}, 0};
  ask(drained);
  EXPECT_EQ(drainState("p1"), DrainState::Draining) << "somebody may still come";
  drained.drained = wire::Drained{false, 2, {}, 0};
  ask(drained);
  EXPECT_EQ(drainState("p1"), DrainState::Draining);
  drained.drained = wire::Drained{false, 0, {}, 5};
  const auto last = ask(drained);
  EXPECT_EQ(drainState("p1"), DrainState::Drained) << "explicit ports stay open";
  set("cart", "sampled");
  EXPECT_EQ(drainState("p1"), DrainState::Drained) << "what else is wanted is another matter";
  setDrained("p1", false);
  EXPECT_EQ(drainState("p1"), DrainState::Resuming);
  setDrained("p1", true);
  EXPECT_EQ(drainState("p1"), DrainState::Asked) << "it may have heard of the resumption";
  setDrained("p1", false);
  ask(able(running(*wire::decodeSnapshot(*fleet.snapshotOf("p1")))));
  EXPECT_EQ(drainState("p1"), DrainState::None);
}

TEST_F(FleetDrainTest, WhoIsToBeDrainedIsExpectedBeforeItAsks) {
  EXPECT_FALSE(fleet.agent("p1"));
  setDrained("p1", true);
  EXPECT_EQ(fleet.agent("p1")->drain->by, "ada");
  EXPECT_TRUE(fleet.agents().empty()) << "it did not ask";
  ASSERT_EQ(fleet.expected().size(), 1u);
  EXPECT_EQ(drainState("p1"), DrainState::Asked);
  EXPECT_TRUE(ask(able(question("p1")))->snapshot->drained) << "with its first snapshot";
  EXPECT_EQ(fleet.expected().size(), 1u);
}

}  // namespace
}  // namespace loam::fleet
