#include "shadow/report/reporter.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

namespace loam::report {
namespace {

class FakeTransport final : public Transport {
 public:
  Status send(std::string_view report) override {
    ++attempts;
    if (answer) {
      if (auto refused = answer(report); !refused) return refused;
    }
    sent.emplace_back(report);
    return {};
  }
  std::function<Status(std::string_view)> answer;
  std::vector<std::string> sent;
  int attempts = 0;
};

class FakeSpool final : public Spool {
 public:
  explicit FakeSpool(std::size_t most) : most_(most) {}
  Status push(std::string_view report) override {
    if (broken) return fail(ErrorCode::Exhausted, "disk full");
    reports_.emplace_back(report);
    if (reports_.size() > most_) {
      reports_.pop_front();
      ++dropped_;
    }
    return {};
  }
  Result<std::optional<std::string>> front() override {
    return reports_.empty() ? std::optional<std::string>() : std::optional<std::string>(reports_.front());
  }
  Status pop() override {
    reports_.pop_front();
    return {};
  }
  std::size_t size() const override { return reports_.size(); }
  std::uint64_t bytes() const override { return 0; }
  std::uint64_t dropped() const override { return dropped_ + 5; }  // 5 of an earlier life
  Status adopt() override {
    ++adoptions;
    return broken ? fail(ErrorCode::Io, "the disk") : Status();
  }
  bool broken = false;
  int adoptions = 0;

 private:
  const std::size_t most_;
  std::deque<std::string> reports_;
  std::uint64_t dropped_ = 0;
};

class ReporterTest : public testing::Test {
 protected:
  void controllerDown() {
    transport_.answer = [](std::string_view) -> Status { return fail(ErrorCode::Refused, "connecting"); };
  }
  void controllerUp() { transport_.answer = nullptr; }
  void offer(int from, int to) {
    for (int i = from; i < to; ++i) reporter_.offer(std::to_string(i));
  }
  static std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> texts;
    for (int i = from; i < to; ++i) texts.push_back(std::to_string(i));
    return texts;
  }
  void tickAll() {
    while (reporter_.tick()) {
    }
  }

  test::FakeClock clock_;
  FakeTransport transport_;
  FakeSpool spool_{100};
  Log log_{LogLevel::Error};
  Reporter reporter_{transport_, spool_, clock_, log_, 1};
};

TEST_F(ReporterTest, SendsInOrder) {
  offer(0, 5);
  tickAll();
  EXPECT_EQ(transport_.sent, numbers(0, 5));
  EXPECT_EQ(spool_.size(), 0u);
}

TEST_F(ReporterTest, SpoolsWhileTheControllerIsAwayAndDrainsInOrder) {
  controllerDown();
  offer(0, 10);
  tickAll();
  EXPECT_EQ(spool_.size(), 10u);
  offer(10, 12);
  tickAll();
  controllerUp();
  clock_.advance(seconds(6));
  offer(12, 14);
  tickAll();
  EXPECT_EQ(transport_.sent, numbers(0, 14));
  EXPECT_EQ(spool_.size(), 0u);
  EXPECT_EQ(reporter_.dropped(), 0u);
}

TEST_F(ReporterTest, LetsTheSpoolTakeInPredecessorsEveryTwoSeconds) {
  tickAll();
  EXPECT_EQ(spool_.adoptions, 0) << "opening the spool has just done it";
  for (int i = 0; i < 4; ++i) {
    clock_.advance(seconds(1));
    tickAll();
  }
  EXPECT_EQ(spool_.adoptions, 2);
}

TEST_F(ReporterTest, BacksOffToFiveSecondsWithJitter) {
  controllerDown();
  offer(0, 1);
  nanoseconds longest{0};
  for (int i = 0; i < 12; ++i) {
    reporter_.tick();
    EXPECT_EQ(transport_.attempts, i + 1);
    const nanoseconds wait = reporter_.nextAttempt() - clock_.now();
    const nanoseconds full = std::min<nanoseconds>(milliseconds(100) * (1 << i), seconds(5));
    EXPECT_GE(wait, full / 2) << i;
    EXPECT_LE(wait, full) << i;
    longest = std::max(longest, wait);
    clock_.advance(wait - nanoseconds(1));
    reporter_.tick();
    EXPECT_EQ(transport_.attempts, i + 1) << "tried too early";
    clock_.advance(nanoseconds(1));
  }
  EXPECT_GT(longest, milliseconds(2500));
}

TEST_F(ReporterTest, AReportThatIsRefusedForGoodIsDroppedAndDoesNotStopTheOthers) {
  transport_.answer = [](std::string_view report) -> Status {
    if (report == "1") return fail(ErrorCode::InvalidArgument, "report.from: missing");
    return {};
  };
  offer(0, 3);
  tickAll();
  EXPECT_EQ(transport_.sent, (std::vector<std::string>{"0", "2"}));
  EXPECT_EQ(reporter_.dropped(), 1u);
}

TEST_F(ReporterTest, CountsWhatAFullSpoolPushesOut) {
  controllerDown();
  for (int i = 0; i < 150; ++i) {
    offer(i, i + 1);
    tickAll();
  }
  EXPECT_EQ(reporter_.dropped(), 50u);
  controllerUp();
  clock_.advance(seconds(6));
  tickAll();
  EXPECT_EQ(transport_.sent, numbers(50, 150));
}

TEST_F(ReporterTest, AFullDiskKeepsTheNewestInMemoryAndCountsTheRest) {
  controllerDown();
  spool_.broken = true;
  const int kept = static_cast<int>(Reporter::kMostWaiting);
  for (int i = 0; i < kept + 20; ++i) {
    offer(i, i + 1);
    tickAll();
  }
  EXPECT_EQ(reporter_.dropped(), 20u);
  controllerUp();
  clock_.advance(seconds(6));
  tickAll();
  EXPECT_EQ(transport_.sent, numbers(20, kept + 20));
}

TEST_F(ReporterTest, FlushSendsAllOrSpoolsTheRest) {
  offer(0, 3);
  reporter_.flush(clock_.now() + seconds(1));
  EXPECT_EQ(transport_.sent, numbers(0, 3));
  controllerDown();
  offer(3, 6);
  reporter_.flush(clock_.now() + seconds(1));
  EXPECT_EQ(spool_.size(), 3u);
}

TEST_F(ReporterTest, FlushEndsAtItsDeadline) {
  transport_.answer = [this](std::string_view) -> Status {
    clock_.advance(seconds(1));
    return {};
  };
  offer(0, 10);
  reporter_.flush(clock_.now() + seconds(3));
  EXPECT_EQ(transport_.sent.size(), 3u);
  EXPECT_EQ(spool_.size(), 7u);
}

TEST_F(ReporterTest, OffersWhileTheTransportHangsAreBounded) {
  offer(0, static_cast<int>(Reporter::kMostWaiting) + 7);
  EXPECT_EQ(reporter_.dropped(), 7u);
}

TEST_F(ReporterTest, BigOffersAreBoundedByTheirBytes) {
  const std::string big(Reporter::kMostWaitingBytes / 4, 'x');
  for (int i = 0; i < 6; ++i) reporter_.offer(big);
  EXPECT_EQ(reporter_.dropped(), 2u);
  tickAll();
  EXPECT_EQ(transport_.sent.size(), 4u);
}

TEST_F(ReporterTest, TakesOffersFromAnotherThread) {
  std::thread observer([this] { offer(0, 50); });
  while (transport_.sent.size() < 50) {
    if (!reporter_.tick()) std::this_thread::yield();
  }
  observer.join();
  EXPECT_EQ(transport_.sent, numbers(0, 50));
}

}  // namespace
}  // namespace loam::report
