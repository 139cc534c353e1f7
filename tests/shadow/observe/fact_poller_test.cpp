#include "shadow/observe/fact_poller.h"

#include <gtest/gtest.h>

#include <atomic>

namespace loam::observe {
namespace {

guard::HostFacts answers(std::size_t count) {
  guard::HostFacts facts;
  facts.dns.resize(count);
  return facts;
}

TEST(FactPollerTest, RestsLongAfterAReadingThatTookLong) {
  Log log(LogLevel::Error);
  std::atomic<int> readings{0};
  FactPoller poller(
      [&] {
        ++readings;
        std::this_thread::sleep_for(milliseconds(50));
        return answers(0);
      },
      milliseconds(1), log);
  std::this_thread::sleep_for(milliseconds(500));  // a period would have had room for ten
  EXPECT_EQ(readings, 1);
}

TEST(FactPollerTest, KeepsTheAnswersOfTablesThatNobodyTookWithinItsBound) {
  Log log(LogLevel::Error);
  std::atomic<int> readings{0};
  FactPoller poller(
      [&] {
        ++readings;
        return answers(FactPoller::kMostDns - 1);
      },
      milliseconds(1), log);
  while (readings < 3) std::this_thread::sleep_for(milliseconds(1));  // two are kept by then
  const auto facts = poller.take();
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->dns.size(), FactPoller::kMostDns);
}

}  // namespace
}  // namespace loam::observe
