#include "shadow/report/refusal_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "tests/support/fake_clock.h"

namespace loam::report {
namespace {

wire::Verdict refused(const std::string& client, std::uint64_t count = 1, bool enforced = true) {
  return {.client = *IpAddress::parse(client),
          .destination = *SocketAddress::parse("10.0.0.2:80"),
          .identity = {},
          .feature = "policy",
          .rule = "no-web",
          .enforced = enforced,
          .start = 10,
          .count = count,
          .generation = 7};
}

class RefusalLogTest : public testing::Test {
 protected:
  RefusalLogTest() {
    EXPECT_EQ(::pipe2(ends_.data(), O_NONBLOCK), 0);
    log_ = std::make_unique<Log>(LogLevel::Info, ends_[1]);
    refusals_ = std::make_unique<RefusalLog>(clock_, *log_);
  }
  ~RefusalLogTest() override {
    log_.reset();
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  /// What was written since the test began.
  std::string written() {
    log_.reset();
    std::string text;
    std::array<char, 65536> buffer{};
    for (ssize_t n = 0; (n = ::read(ends_[0], buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(n));
    return text;
  }

  std::array<int, 2> ends_{};
  test::FakeClock clock_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<RefusalLog> refusals_;
};

TEST_F(RefusalLogTest, SaysTheFirstAtOnceAndTheFurtherOnesAddedUp) {
  refusals_->take(refused("10.0.0.1", 2));
  for (int i = 0; i < 30; ++i) refusals_->take(refused("10.0.0.1", 3));
  refusals_->take(refused("10.0.0.9", 5, false));
  refusals_->tick();
  clock_.advance(RefusalLog::kAgain);
  refusals_->tick();
  clock_.advance(RefusalLog::kAgain);
  refusals_->tick();
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find("component=admission msg=\"connections refused\" client=10.0.0.1 destination=10.0.0.2:80 "
                      "identity=none feature=policy rule=no-web generation=7 count=2\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("count=90\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("10.0.0.9"), std::string::npos) << "only simulated";
}

TEST_F(RefusalLogTest, HoweverManyAreRefusedTheLinesAreBounded) {
  for (int i = 0; i < 1000; ++i)
    refusals_->take(refused("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)));
  clock_.advance(RefusalLog::kAgain);
  refusals_->tick();
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), static_cast<std::ptrdiff_t>(RefusalLog::kMost) + 1);
  EXPECT_NE(text.find("count=936\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace loam::report
