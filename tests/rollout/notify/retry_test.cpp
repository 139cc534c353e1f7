#include "rollout/notify/retry.h"

#include <gtest/gtest.h>

namespace loam::notify {
namespace {

TEST(RetryTest, AnswersSayWhatBecomesOfAnEvent) {
  for (const int status : {200, 201, 202, 204, 299}) EXPECT_EQ(verdictOf(status), Verdict::Taken) << status;
  for (const int status : {400, 401, 403, 404, 410, 413, 422, 499})
    EXPECT_EQ(verdictOf(status), Verdict::Refused) << status;
  for (const int status : {301, 302, 307, 308, 408, 425, 500, 501, 599})
    EXPECT_EQ(verdictOf(status), Verdict::Later) << status;
  for (const int status : {429, 502, 503, 504}) EXPECT_EQ(verdictOf(status), Verdict::Away) << status;
}

TEST(RetryTest, EachWaitIsTwiceTheOneBeforeUpToFiveMinutes) {
  const std::vector<std::int64_t> whole = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
  for (unsigned tries = 1; tries <= whole.size(); ++tries) {
    const milliseconds most = seconds(whole[tries - 1]);
    EXPECT_EQ(backOff(tries, 999), most) << tries;
    EXPECT_EQ(backOff(tries, 0), most / 2) << tries;
    for (const std::uint64_t random : {1ULL, 500ULL, 12345ULL, ~0ULL}) {
      EXPECT_GE(backOff(tries, random), most / 2) << tries;
      EXPECT_LE(backOff(tries, random), most) << tries;
    }
  }
  EXPECT_EQ(backOff(4'000'000'000, 999), seconds(300));
  EXPECT_EQ(backOff(0, 999), seconds(1));
}

TEST(RetryTest, AReceiverMaySayWhenToComeBack) {
  const Wall now{seconds(1'764'201'600)};  // Thu, 27 Nov 2025 00:00:00 GMT
  EXPECT_EQ(retryAfterOf("7", now), seconds(7));
  EXPECT_EQ(retryAfterOf("0", now), seconds(0));
  EXPECT_EQ(retryAfterOf("86400", now), seconds(300));
  EXPECT_EQ(retryAfterOf("18446744073709551615", now), seconds(300));
  EXPECT_EQ(retryAfterOf("Thu, 27 Nov 2025 00:01:30 GMT", now), seconds(90));
  EXPECT_EQ(retryAfterOf("Thu, 27 Nov 2025 09:00:00 GMT", now), seconds(300));
  EXPECT_EQ(retryAfterOf("Wed, 26 Nov 2025 00:00:00 GMT", now), seconds(0));
  for (const char* text : {"", "soon", "-1", "1.5", "7 ", "Thu, 27 Nov 2025 00:01:30 GMT x"}) {
    EXPECT_EQ(retryAfterOf(text, now), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace loam::notify
