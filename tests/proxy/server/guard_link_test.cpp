#include "proxy/server/guard_link.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/fake_guard.h"
#include "tests/support/temporary_directory.h"

namespace loam::server {
namespace {

using Heard = std::vector<std::string>;

class GuardLinkTest : public testing::Test {
 protected:
  GuardLinkTest() {
    GuardLink::Receiver receiver;
    receiver.onAttached = [this](guard::Listeners listeners, const DialTerms&) {
      attached += static_cast<int>(listeners.outbound.size());
    };
    receiver.onReleased = [this] { ++released; };
    link = std::make_unique<GuardLink>(directory / "guard.sock", 2, heartbeats, log, std::move(receiver));
  }

  /// Says it, and waits until it is carried out.
  void setDrained(bool drained) {
    const auto carriedOut = std::make_shared<std::promise<void>>();
    auto waiting = carriedOut->get_future();
    link->setDrained(drained, [carriedOut] { carriedOut->set_value(); });
    ASSERT_EQ(waiting.wait_for(seconds(10)), std::future_status::ready);
  }
  void keepClosed(std::vector<guard::ClosedEndpoint> endpoints) {
    const auto held = std::make_shared<std::promise<void>>();
    auto waiting = held->get_future();
    link->keepClosed(std::move(endpoints), [held] { held->set_value(); });
    ASSERT_EQ(waiting.wait_for(seconds(10)), std::future_status::ready);
  }
  template <class Condition>
  bool eventually(Condition holds) {
    for (const auto end = clock.now() + seconds(10); !holds();) {
      if (clock.now() > end) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  }
  std::unique_ptr<test::FakeGuard> makeGuard() { return std::make_unique<test::FakeGuard>(directory / "guard.sock"); }

  SystemClock clock;
  Log log{LogLevel::Error, -1};
  test::TemporaryDirectory directory;
  HeartbeatPage heartbeats = *HeartbeatPage::make(2);
  std::unique_ptr<test::FakeGuard> guard = makeGuard();
  std::atomic<int> attached{0};
  std::atomic<int> released{0};
  std::unique_ptr<GuardLink> link;
};

TEST_F(GuardLinkTest, DrainedItRevokesCaptureAndKeepsItsLineForFacts) {
  ASSERT_TRUE(link->start());
  EXPECT_TRUE(guard->captures());
  EXPECT_FALSE(link->isDrained());
  setDrained(true);
  EXPECT_FALSE(guard->captures());
  EXPECT_TRUE(link->isDrained());
  EXPECT_FALSE(link->isAttached());
  EXPECT_EQ(released.load(), 1);
  EXPECT_TRUE(link->facts());
  EXPECT_EQ(guard->heard(), (Heard{"attach", "engage", "release", "facts"}));
  setDrained(true);
  EXPECT_EQ(guard->count("release"), 1u) << "twice is once";
  EXPECT_EQ(released.load(), 1);
}

TEST_F(GuardLinkTest, ResumedItEngagesAgainAndRenewsItsBypassesAtOnce) {
  link->keepBypassed({*SocketAddress::parse("10.0.0.1:80")});
  ASSERT_TRUE(link->start());
  setDrained(true);
  const std::size_t before = guard->heard().size();
  const auto told = std::make_shared<std::promise<void>>();
  auto waiting = told->get_future();
  link->bypass(*SocketAddress::parse("10.0.0.9:80"), [told] { told->set_value(); });
  ASSERT_EQ(waiting.wait_for(seconds(10)), std::future_status::ready);
  EXPECT_EQ(guard->heard().size(), before) << "nothing is captured, nothing is to be left out";
  setDrained(false);
  EXPECT_TRUE(guard->captures());
  EXPECT_TRUE(link->isAttached());
  EXPECT_EQ(attached.load(), 4) << "the listeners of both attachments";
  ASSERT_TRUE(eventually([&] { return guard->heard().size() == before + 3; }));
  const Heard heard = guard->heard();
  EXPECT_EQ(Heard(heard.end() - 3, heard.end()), (Heard{"attach", "engage", "bypass 10.0.0.1:80"}));
}

TEST_F(GuardLinkTest, StartedDrainedItNeverAttaches) {
  link->setDrained(true, [] {});
  ASSERT_TRUE(link->start());
  EXPECT_TRUE(link->isDrained());
  EXPECT_TRUE(link->facts());
  EXPECT_EQ(guard->heard(), Heard{"facts"});
  EXPECT_EQ(released.load(), 0);
  setDrained(false);
  EXPECT_TRUE(guard->captures());
}

TEST_F(GuardLinkTest, DrainedItComesBackToAGuardThatWasAwayWithoutCapturing) {
  ASSERT_TRUE(link->start());
  setDrained(true);
  guard.reset();
  EXPECT_FALSE(link->facts());
  guard = makeGuard();
  EXPECT_TRUE(eventually([&] { return link->facts().has_value(); }));
  EXPECT_EQ(guard->count("attach"), 0u);
  setDrained(false);
  EXPECT_TRUE(guard->captures());
}

TEST_F(GuardLinkTest, AGuardThatWasRestartedMeanwhileIsAttachedToAtOnce) {
  ASSERT_TRUE(link->start());
  setDrained(true);
  guard.reset();
  guard = makeGuard();
  setDrained(false);
  EXPECT_TRUE(guard->captures()) << "when it says that it is carried out";
}

TEST_F(GuardLinkTest, WhatIsAskedWhileTheGuardIsAwayHoldsWhenItIsBack) {
  ASSERT_TRUE(link->start());
  guard.reset();
  setDrained(true);
  EXPECT_TRUE(link->isDrained()) << "a guard that is away captures nothing";
  EXPECT_EQ(released.load(), 1);
  setDrained(false);
  EXPECT_FALSE(link->isDrained());
  EXPECT_FALSE(link->isAttached());
  guard = makeGuard();
  EXPECT_TRUE(eventually([&] { return guard->captures(); }));
}

TEST_F(GuardLinkTest, AResumptionThatAnotherProxyIsInTheWayOfIsTriedAgain) {
  ASSERT_TRUE(link->start());
  setDrained(true);
  guard->refuseToAttach(true);
  setDrained(false);
  EXPECT_FALSE(link->isAttached());
  guard->refuseToAttach(false);
  EXPECT_TRUE(eventually([&] { return link->isAttached(); }));
  EXPECT_TRUE(guard->captures());
}

TEST_F(GuardLinkTest, TheLastWordHolds) {
  ASSERT_TRUE(link->start());
  std::atomic<int> done{0};
  for (int i = 0; i < 101; ++i) link->setDrained(i % 2 == 0, [&] { ++done; });
  ASSERT_TRUE(eventually([&] { return done == 101; }));
  EXPECT_TRUE(link->isDrained());
  EXPECT_FALSE(guard->captures());
}

TEST_F(GuardLinkTest, WhatIsToBeClosedIsSaidOnceAndDoneWhenItHolds) {
  ASSERT_TRUE(link->start());
  EXPECT_EQ(guard->heard(), (Heard{"attach", "engage"})) << "nothing was said: the guard keeps what it has";
  keepClosed({{*SocketAddress::parse("10.0.0.5:80"), {}}});
  keepClosed({{*SocketAddress::parse("10.0.0.5:80"), {}}});
  EXPECT_EQ(guard->count("closed 10.0.0.5:80"), 1u);
  keepClosed({});
  EXPECT_EQ(guard->heard().back(), "closed");
  EXPECT_EQ(link->whyNotClosed(), "");
}

TEST_F(GuardLinkTest, WhatTheGuardRefusesToCloseIsNotDoneUntilItTakesIt) {
  ASSERT_TRUE(link->start());
  guard->refuseToClose(true);
  std::atomic<bool> done{false};
  link->keepClosed({{*SocketAddress::parse("10.0.0.5:80"), {}}}, [&] { done = true; });
  EXPECT_TRUE(eventually([&] { return link->whyNotClosed() == "the disk is full"; }));
  EXPECT_FALSE(done);
  guard->refuseToClose(false);
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  EXPECT_EQ(link->whyNotClosed(), "");
}

TEST_F(GuardLinkTest, AGuardThatComesBackIsToldAgainDrainedOrNot) {
  ASSERT_TRUE(link->start());
  keepClosed({{*SocketAddress::parse("10.0.0.5:80"), {}}});
  for (const bool drained : {false, true}) {
    setDrained(drained);
    guard.reset();
    guard = makeGuard();
    EXPECT_TRUE(eventually([&] {
      (void)link->facts();
      return guard->count("closed 10.0.0.5:80") == 1;
    })) << drained;
  }
}

TEST_F(GuardLinkTest, NewsForAGuardThatIsAwayAreDoneWhenItIsBack) {
  ASSERT_TRUE(link->start());
  keepClosed({});
  guard.reset();
  EXPECT_FALSE(link->facts());
  keepClosed({});  // what it took last the kernel holds without it
  std::atomic<int> done{0};
  link->keepClosed({{*SocketAddress::parse("10.0.0.5:80"), {}}}, [&] { ++done; });
  link->keepClosed({{*SocketAddress::parse("10.0.0.6:80"), {}}}, [&] { ++done; });
  EXPECT_TRUE(eventually([&] { return link->whyNotClosed() == "the guard is away"; }));
  EXPECT_EQ(done, 0);
  guard = makeGuard();
  EXPECT_TRUE(eventually([&] { return done == 2; }));
  EXPECT_EQ(guard->count("closed 10.0.0.5:80"), 0u) << "the last word stands for the one before";
  EXPECT_EQ(guard->count("closed 10.0.0.6:80"), 1u);
}

TEST_F(GuardLinkTest, ADrainedLinkHasNothingToHandOver) {
  ASSERT_TRUE(link->start());
  setDrained(true);
  EXPECT_FALSE(link->release(true));
  EXPECT_EQ(guard->count("release"), 1u);
  setDrained(false);
  EXPECT_FALSE(guard->captures()) << "given free for good";
}

}  // namespace
}  // namespace loam::server
