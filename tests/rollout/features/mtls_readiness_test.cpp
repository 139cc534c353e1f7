#include "rollout/features/mtls_readiness.h"

#include <gtest/gtest.h>

#include "rollout/features/feature.h"

namespace loam::features {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kNow = 1000 * kDay;
constexpr std::int64_t kWindow = 8 * kDay;

CallerRecord caller(const std::string& name, std::uint64_t mutual, std::optional<std::int64_t> plaintextDaysAgo,
                    std::int64_t seenDaysAgo, std::int64_t gapDays = 0) {
  CallerRecord record;
  record.name = name;
  record.connections = 100;
  record.mutual = mutual;
  if (plaintextDaysAgo) record.lastPlaintext = kNow - *plaintextDaysAgo * kDay;
  record.firstSeen = kNow - 300 * kDay;
  record.lastSeen = kNow - seenDaysAgo * kDay;
  record.gap = gapDays * kDay;
  return record;
}

MtlsReadiness ready(std::vector<CallerRecord> callers, const std::vector<std::string>& exclude = {}) {
  return readinessOf({kNow, kNow - 400 * kDay, std::move(callers), {}, {}}, kWindow, exclude);
}

TEST(MtlsReadinessTest, ACallerIsReadyWhenItsPlaintextIsOldAndItCameByTlsSince) {
  EXPECT_TRUE(ready({caller("web", 100, std::nullopt, 0)}).isReady());
  EXPECT_TRUE(ready({caller("web", 50, 9, 0)}).isReady());
  EXPECT_FALSE(ready({caller("web", 50, 7, 0)}).isReady());
}

TEST(MtlsReadinessTest, ACallerThatWasNotHeardOfSinceItsPlaintextIsWaitedForAsLongAsTheSlowestOne) {
  const auto slow = ready({caller("web", 100, std::nullopt, 0, 30), caller("invoices", 0, 38, 38)});
  EXPECT_FALSE(slow.isReady());
  EXPECT_EQ(slow.percent(), 50u);
  EXPECT_EQ(slow.callers.front().record.name, "invoices") << "those that block come first";
  EXPECT_EQ(slow.whoBlocks(), "invoices (not heard of since its last plaintext)");
  const auto gone = ready({caller("web", 100, std::nullopt, 0, 30), caller("invoices", 0, 39, 39)});
  EXPECT_TRUE(gone.isReady());
  EXPECT_EQ(gone.callers.back().why, "not heard of since its last plaintext, 39d ago: it counts as gone");
}

TEST(MtlsReadinessTest, ACallerThatWasRecordedOnceBlocksForItsWindowAndThePeriodOfOthers) {
  const auto daysAgo = [](std::int64_t days, std::vector<CallerRecord> others) {
    CallerRecord once = caller("once", 0, days, days);
    once.firstSeen = once.lastSeen;
    others.push_back(once);
    return ready(std::move(others));
  };
  const CallerRecord daily = caller("daily", 100, std::nullopt, 0, 1);
  EXPECT_EQ(daysAgo(1, {daily}).whoBlocks(), "once (plaintext within 8d)");
  EXPECT_EQ(daysAgo(9, {daily}).whoBlocks(), "once (recorded once, in plaintext)");
  EXPECT_TRUE(daysAgo(10, {daily}).isReady());
  EXPECT_TRUE(daysAgo(9, {}).isReady()) << "nobody is known to be slower than the window";
  EXPECT_EQ(daysAgo(10, {}).callers.front().why, "recorded once, in plaintext, 10d ago: it counts as gone");
}

TEST(MtlsReadinessTest, TheWindowCoversTheSlowestCaller) {
  const auto monthly = ready({caller("monthly", 50, 20, 1, 30)});
  EXPECT_FALSE(monthly.isReady()) << "longer ago than the window, and not than its own gap";
  EXPECT_EQ(monthly.window, 30 * kDay);
  EXPECT_TRUE(ready({caller("monthly", 50, 40, 1, 30)}).isReady());
}

TEST(MtlsReadinessTest, WhoIsExcludedMayGoOnInPlaintext) {
  const auto excluded = ready({caller("old", 0, 0, 0)}, {"old"});
  EXPECT_TRUE(excluded.isReady());
  EXPECT_EQ(excluded.percent(), 100u);
}

TEST(MtlsReadinessTest, SaysWhatTheRecordCannot) {
  const auto unknown = readinessOf({kNow, kNow - 2 * kDay, {}, {}, {"p1 reported on 50 % of its time"}}, kWindow, {});
  EXPECT_EQ(unknown.missing, (std::vector<std::string>{"p1 reported on 50 % of its time", "the record knows no caller",
                                                       "the record reaches back 2d of 8d"}));
}

TEST(MtlsReadinessTest, NeverRoundsUpToAHundred) {
  std::vector<CallerRecord> callers(999, caller("web", 100, std::nullopt, 0));
  callers.push_back(caller("batch", 0, 0, 0));
  EXPECT_EQ(ready(std::move(callers)).percent(), 99u);
}

TEST(MtlsReadinessTest, TheLadderAsksForInstancesAndThenForCallers) {
  const Feature& mtls = *find("mtls");
  const Json::Value settings(Json::objectValue);
  const std::vector<std::string> nobody;
  const auto failing = [&](const char* from, bool whole, const char* to, const Ground& ground) {
    std::vector<std::string> names;
    for (const Check& check : mtls.checks({from, whole, to, settings, nobody}, [&] { return ground; }))
      if (!check.passed) names.push_back(check.name);
    return names;
  };
  Ground good{kNow, kNow - 400 * kDay, {caller("web", 100, std::nullopt, 0)}, {{"10.0.0.1:80", {}}}, {}};
  EXPECT_EQ(failing("off", true, "permissive", Ground{}), std::vector<std::string>{}) << "it takes both";
  EXPECT_EQ(failing("permissive", true, "prefer", good), std::vector<std::string>{});
  EXPECT_EQ(failing("permissive", false, "prefer", good), std::vector<std::string>{"permissive at 100 %"});
  EXPECT_EQ(failing("prefer", false, "prefer", good), std::vector<std::string>{}) << "more of the same";
  EXPECT_EQ(failing("prefer", true, "strict", good), std::vector<std::string>{});
  EXPECT_EQ(failing("prefer", false, "strict", good), std::vector<std::string>{"prefer at 100 %"});
  Ground bad = good;
  bad.instances[0].against = {"p1 is silent"};
  bad.callers.push_back(caller("batch", 0, 1, 1));
  EXPECT_EQ(failing("permissive", true, "prefer", bad), std::vector<std::string>{"every instance acknowledged"});
  EXPECT_EQ(failing("prefer", true, "strict", bad),
            (std::vector<std::string>{"every instance acknowledged", "no plaintext from any caller"}));
  EXPECT_EQ(failing("permissive", true, "prefer", Ground{}), std::vector<std::string>{"every instance acknowledged"});
}

}  // namespace
}  // namespace loam::features
