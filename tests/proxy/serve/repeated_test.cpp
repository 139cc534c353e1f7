#include "proxy/filters/timeouts_filter.h"
#include "tests/proxy/serve/repeated_fixture.h"

namespace loam::serve {
namespace {

TEST_F(ServeRepeatedTest, G1_AServerThatResetsIsAskedOnceMoreAndTheClientSeesOneAnswer) {
  retries("{}");
  say(*client, kGet);
  resetAfter(kGet);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  EXPECT_EQ(seenByTap(), kAnswered);
  EXPECT_EQ(tally.repeated.get(), 1u);
  EXPECT_EQ(tally.rescued.get(), 1u);
  say(*client, kGet);
  answerFrom(0, std::string(kGet) + std::string(kGet));
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
  EXPECT_EQ(dials, 1u) << "the next request goes where the last one was answered";
  EXPECT_EQ(counters.of(Fault::ServerEnded).get(), 0u) << "nobody was told of the first";
  EXPECT_EQ(counters.requests.get(), 2u);
}

TEST_F(ServeRepeatedTest, G1_AServerThatEndsInOrderBeforeItsAnswerIsNoneEither) {
  retries("{}");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, "HTTP/1.1 200 OK\r\nContent-Le", true);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  EXPECT_EQ(seenByTap(), kAnswered) << "what came of the first was shown";
}

TEST_F(ServeRepeatedTest, G1_APostOfWhichAByteMayHaveArrivedIsNeverSentAgain) {
  retries(R"({"on": ["connect_failure", "reset", "gateway_error"], "attempts": 3})");
  say(*client, kPost);
  resetAfter(kPost);
  expectRefused(502, "server_ended");
  EXPECT_EQ(dials, 0u);
  EXPECT_EQ(counters.of(Fault::ServerEnded).get(), 1u);
}

TEST_F(ServeRepeatedTest, G1_NorOneThatTheServerDeclined) {
  retries(R"({"on": ["gateway_error"], "statuses": [503]})");
  say(*client, kPost);
  expectAtServer(kPost);
  say(*server, kDown);
  expectAtClient(kDown);
  EXPECT_EQ(dials, 0u);
}

TEST_F(ServeRepeatedTest, G1_NorOneThatTookTooLong) {
  retries(R"({"on": ["timeout"], "per_try_timeout": "50ms"})");
  say(*client, kPost);
  expectAtServer(kPost);
  expectRefused(504, "try_timed_out");
  EXPECT_NE(heardByClient().find("\r\nloam-cause: retries\r\n"), std::string::npos);
  EXPECT_EQ(dials, 0u);
}

TEST_F(ServeRepeatedTest, G1_NorOneWhoseIdleConnectionWasLetGoJustThen) {
  retries("{}");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kAnswered);
  expectAtClient(kAnswered);
  say(*client, kPost);
  resetAfter(std::string(kGet) + std::string(kPost));
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(dials, 0u);
}

TEST_F(ServeRepeatedTest, APostThatSaysItMayBeDoneTwiceIs) {
  retries(R"({"idempotency_header": "idempotency-key"})");
  const std::string post = "POST /cart HTTP/1.1\r\nHost: shop\r\nIdempotency-Key: 7\r\nContent-Length: 5\r\n\r\nhello";
  say(*client, post);
  resetAfter(post);
  answerFrom(0, post);
  expectAtClient(kAnswered);
}

TEST_F(ServeRepeatedTest, StatusesThatAreNamedAreRepeated) {
  retries(R"({"on": ["gateway_error"], "attempts": 2})");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kDown);
  answerFrom(0, kGet, kDown);
  answerFrom(1, kGet);
  expectAtClient(kAnswered);
  EXPECT_EQ(tally.repeated.get(), 2u);
}

TEST_F(ServeRepeatedTest, TheLastAnswerStandsHoweverItIs) {
  retries(R"({"on": ["gateway_error"], "attempts": 1})");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kDown);
  answerFrom(0, kGet, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad");
  expectAtClient("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad");
  EXPECT_EQ(tally.rescued.get(), 0u);
}

TEST_F(ServeRepeatedTest, AServerThatIsSilentIsCutAndAnotherAsked) {
  retries(R"({"on": ["timeout"], "per_try_timeout": "50ms"})");
  say(*client, kGet);
  expectAtServer(kGet);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  turnUntil([&] { return serverOver; });
}

TEST_F(ServeRepeatedTest, AllTogetherTakesNoLongerThanTheTotal) {
  retries(R"({"on": ["timeout"], "attempts": 10, "per_try_timeout": "60ms", "total_timeout": "150ms"})");
  const Monotonic begun = clock.now();
  say(*client, kGet);
  turnUntil([&] { return clientOver; });
  EXPECT_TRUE(heardByClient().starts_with("HTTP/1.1 504 ")) << heardByClient();  // of the try or the whole
  EXPECT_LT(clock.now() - begun, milliseconds(1500));
  EXPECT_LE(dials, 2u);
}

TEST_F(ServeRepeatedTest, C9_ABodyIsSentAgainAsFarAsItIsKept) {
  retries(R"({"methods": ["PUT"], "max_body": "64KiB"})");
  say(*client, kPut.substr(0, kPut.size() - 2));
  resetAfter(kPut.substr(0, kPut.size() - 2));
  turnUntil([&] { return later.size() == 1 && later[0].heard.size() == kPut.size() - 2; });
  say(*client, kPut.substr(kPut.size() - 2));
  answerFrom(0, kPut);
  expectAtClient(kAnswered);
}

TEST_F(ServeRepeatedTest, C9_ALongerBodyHasNoRepeat) {
  retries(R"({"methods": ["PUT"], "max_body": "64KiB"})");
  const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string body;
  while (body.size() <= 64 * 1024) body += "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  say(*client, head + body);
  resetAfter(head + body);
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(dials, 0u);
}

TEST_F(ServeRepeatedTest, NothingIsRepeatedOnceAnAnswerHasBegun) {
  retries("{}");
  say(*client, kGet);
  expectAtServer(kGet);
  const std::string_view hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  say(*server, hints);
  expectAtClient(hints);
  relay::cut(*server);
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(dials, 0u);
}

TEST_F(ServeRepeatedTest, ABudgetThatIsUsedUpEndsIt) {
  retries(R"({"on": ["gateway_error"], "attempts": 5, "budget": {"ratio": 0, "min_per_second": 1, "window": "1s"}})");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kDown);
  answerFrom(0, kGet, kDown);
  expectAtClient(kDown);
  EXPECT_EQ(dials, 1u);
  EXPECT_EQ(tally.unaffordable.get(), 1u);
}

TEST_F(ServeRepeatedTest, WhoAsksForALongPauseIsNotAskedAgain) {
  retries(R"({"on": ["gateway_error"]})");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, "HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n");
  expectAtClient("HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(dials, 0u);
}

TEST_F(ServeRepeatedTest, WhoAsksForAShortOneGetsIt) {
  retries(R"({"on": ["gateway_error"]})");
  say(*client, kGet);
  expectAtServer(kGet);
  const Monotonic begun = clock.now();
  say(*server, "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  EXPECT_GE(clock.now() - begun, milliseconds(990));
}

TEST_F(ServeRepeatedTest, WhatFitsNoMatchIsSentOnce) {
  retries(R"({"match": {"paths": ["/other"]}})");
  say(*client, kGet);
  resetAfter(kGet);
  expectRefused(502, "server_ended");
  EXPECT_EQ(dials, 0u);
}

/// The same where the server could not be dialled when the client came.
class ServeLateTest : public ServeRepeatedTest {
 protected:
  std::optional<relay::Leg> firstServer() override { return std::nullopt; }
};

TEST_F(ServeLateTest, G1_WhatReachedNobodyIsSentAgainWhateverItsMethod) {
  refusals = 1;
  retries("{}");
  say(*client, kPost);
  answerFrom(0, kPost);
  expectAtClient(kAnswered);
  EXPECT_EQ(dials, 2u);
  EXPECT_EQ(tally.repeated.get(), 1u);
}

TEST_F(ServeLateTest, G1_WhoReachesNobodyIsToldSo) {
  refusals = 100;
  retries(R"({"attempts": 2})");
  say(*client, kPost);
  expectRefused(503, "no_server");
  EXPECT_EQ(dials, 3u);
  EXPECT_EQ(counters.of(Fault::NoServer).get(), 1u);
}

TEST_F(ServeLateTest, WithoutFiltersTheFirstRequestDialsToo) {
  say(*client, kGet);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  EXPECT_EQ(dialFor, seconds(2)) << "G1";
}

TEST_F(ServeLateTest, ADialMayTakeAsLongAsTimeoutsSay) {
  using Timeouts = filters::TimeoutsFilter;
  const auto bounds = filters::good<filters::TimeoutsSettings>(R"({"connect": "5s", "request": "30s"})");
  filters.push_back(std::make_unique<const Timeouts>(bounds, filters::ExchangeShare{}));
  say(*client, kGet);
  answerFrom(0, kGet);
  EXPECT_EQ(dialFor, seconds(5));
  expectAtClient(kAnswered);
}

}  // namespace
}  // namespace loam::serve
