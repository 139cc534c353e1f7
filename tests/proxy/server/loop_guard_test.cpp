#include "proxy/server/loop_guard.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace loam::server {
namespace {

using Verdict = LoopGuard::Verdict;

class LoopGuardTest : public testing::Test {
 protected:
  static SocketAddress at(const char* text) { return *SocketAddress::parse(text); }
  test::FakeClock clock;
  IpAddress client = *IpAddress::parse("192.0.2.9");
};

TEST_F(LoopGuardTest, C5_OwnListenersAreNeverDialled) {
  LoopGuard guard({at("0.0.0.0:7410"), at("10.9.9.9:8080"), at("[::]:7411")});
  EXPECT_EQ(guard.check(client, at("127.0.0.1:7410"), clock.now()), Verdict::OwnListener);
  EXPECT_EQ(guard.check(client, at("[::1]:7411"), clock.now()), Verdict::OwnListener);
  EXPECT_EQ(guard.check(client, at("10.9.9.9:8080"), clock.now()), Verdict::OwnListener);
  EXPECT_EQ(guard.check(client, at("10.9.9.8:8080"), clock.now()), Verdict::Pass);
  EXPECT_EQ(guard.check(client, at("198.51.100.1:7410"), clock.now()), Verdict::Pass);
}

TEST_F(LoopGuardTest, C5_AFloodThatNobodyAnswersTripsAndRecovers) {
  LoopGuard guard({});
  for (std::uint32_t i = 0; i < LoopGuard::kUnansweredASecond; ++i) {
    ASSERT_EQ(guard.check(client, at("198.51.100.1:80"), clock.now()), Verdict::Pass);
  }
  EXPECT_EQ(guard.check(client, at("198.51.100.1:80"), clock.now()), Verdict::Tripped);
  EXPECT_EQ(guard.check(client, at("198.51.100.2:80"), clock.now()), Verdict::Pass);
  clock.advance(seconds(1));
  EXPECT_EQ(guard.check(client, at("198.51.100.1:80"), clock.now()), Verdict::Pass);
}

TEST_F(LoopGuardTest, C5_ConnectionsSentBackToTheirSenderTripEarly) {
  LoopGuard guard({});
  Verdict last = Verdict::Pass;
  std::uint32_t passed = 0;
  while ((last = guard.check(client, SocketAddress{client, 80}, clock.now())) == Verdict::Pass) ++passed;
  EXPECT_EQ(last, Verdict::Tripped);
  EXPECT_EQ(passed, LoopGuard::kBouncedASecond);
}

TEST_F(LoopGuardTest, ABusyServiceThatAnswersNeverTrips) {
  LoopGuard guard({});
  for (int i = 0; i < 100000; ++i) {
    ASSERT_EQ(guard.check(client, at("198.51.100.1:80"), clock.now()), Verdict::Pass);
    guard.answered(at("198.51.100.1:80"));
  }
}

TEST_F(LoopGuardTest, ManyDestinationsStayWithinTheBound) {
  LoopGuard guard({});
  for (std::uint32_t i = 0; i < 100000; ++i) {
    const auto octet = [i](int shift) { return static_cast<std::uint8_t>(i >> shift); };
    ASSERT_EQ(guard.check(client, SocketAddress{IpAddress::v4({9, octet(16), octet(8), octet(0)}), 80}, clock.now()),
              Verdict::Pass);
  }
}

}  // namespace
}  // namespace loam::server
