#include "proxy/filters/exchange_policy.h"
#include "proxy/filters/fault_filter.h"
#include "proxy/filters/rate_filter.h"
#include "proxy/filters/timeouts_filter.h"
#include "tests/proxy/filters/settings_table.h"
#include "tests/proxy/serve/serve_fixture.h"

namespace loam::serve {
namespace {

constexpr std::string_view kAsked = "GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
constexpr std::string_view kAnswered = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Filters that a test may change between two exchanges.
class ServeFilteredTest : public ServeFixture, public StraightAhead {
 protected:
  Ways& ways() override { return *this; }
  Way now() override {
    if (filters->empty()) return {};
    return {filters.get(),
            {.client = *SocketAddress::parse("10.0.0.7:40000"), .destination = {}, .caller = "web"},
            filters};
  }
  template <class Filter, class Settings, class... More>
  void install(std::string_view json, More... more) {
    filters = std::make_shared<filter::HttpFilters>();
    filters->push_back(std::make_unique<const Filter>(filters::good<Settings>(json), std::move(more)...));
  }
  void fault(std::string_view json) {
    install<filters::FaultFilter, filters::FaultSettings>(json, filters::ExchangeShare{},
                                                          std::make_shared<std::atomic<std::uint32_t>>(0));
  }
  void timeouts(std::string_view json) {
    install<filters::TimeoutsFilter, filters::TimeoutsSettings>(json, filters::ExchangeShare{});
  }
  void clear() { filters = std::make_shared<filter::HttpFilters>(); }
  /// How many whole answers of the proxy's own have come, by the header that all of them have.
  std::size_t own() const {
    std::size_t count = 0;
    const std::string heard = heardByClient();
    for (std::size_t at = heard.find("loam-cause: "); at != std::string::npos; at = heard.find("loam-cause: ", at + 1))
      ++count;
    return count;
  }

  std::shared_ptr<filter::HttpFilters> filters = std::make_shared<filter::HttpFilters>();
};

TEST_F(ServeFilteredTest, AMadeUpAnswerNeedsNoServerAndTheConnectionGoesOn) {
  fault(R"({"answer": {"status": 201, "headers": {"x-a": "b"}, "body": "soon"}})");
  say(*client, kAsked);
  const std::string answer =
      "HTTP/1.1 201 Created\r\nloam-cause: fault:answer\r\nx-a: b\r\ncontent-type: text/plain\r\ncontent-length: "
      "4\r\n\r\nsoon";
  expectAtClient(answer);
  EXPECT_TRUE(atServer.empty());
  clear();
  say(*client, kAsked);
  expectAtServer(kAsked);
  say(*server, kAnswered);
  expectAtClient(answer + std::string(kAnswered));
}

TEST_F(ServeFilteredTest, TheBodyOfARequestThatIsAnsweredHereIsPassedOver) {
  fault(R"({"abort": {"status": 503}})");
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  say(*client, post + chunked + post);
  turnUntil([&] { return own() == 3; });
  EXPECT_EQ(heardByClient().find("connection: close"), std::string::npos);
  EXPECT_TRUE(atServer.empty());
}

TEST_F(ServeFilteredTest, ABodyThatDoesNotComeOrIsGreatEndsTheConnection) {
  fault(R"({"abort": {"status": 503}})");
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n" + std::string(70'000, 'x'));
  turnUntil([&] { return clientOver; });
  EXPECT_NE(heardByClient().find("\r\nconnection: close\r\n"), std::string::npos);
  EXPECT_FALSE(clientError) << "what he still sent took the answer from him";
}

TEST_F(ServeFilteredTest, WhoWaitsForAContinueIsAnsweredAtOnce) {
  fault(R"({"abort": {"status": 503}})");
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  turnUntil([&] { return own() == 1; });
  EXPECT_NE(heardByClient().find("\r\nconnection: close\r\n"), std::string::npos);
}

TEST_F(ServeFilteredTest, AHeadRequestGetsNoBody) {
  fault(R"({"answer": {"body": "soon"}})");
  say(*client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kAsked));
  turnUntil([&] { return own() == 2 && heardByClient().ends_with("soon"); });
  EXPECT_EQ(heardByClient().find("soon"), heardByClient().size() - 4);
}

TEST_F(ServeFilteredTest, AResetIsSeenByBothSides) {
  fault(R"({"abort": {"reset": true}})");
  say(*client, kAsked);
  turnUntil([&] { return clientOver && serverOver; });
  EXPECT_TRUE(clientError);
  EXPECT_TRUE(atServer.empty());
}

TEST_F(ServeFilteredTest, ADelayedRequestGoesOnWhole) {
  fault(R"({"delay": "30ms"})");
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  say(*client, post + std::string(kAsked));
  expectAtServer(post);
  say(*server, kAnswered);
  turnUntil([&] { return atServer.size() == post.size() + kAsked.size(); });
  EXPECT_EQ(tally.delayed.get(), 2u);
}

TEST_F(ServeFilteredTest, ServersThatTakeTooLongForTheHeadAreAnswered504) {
  timeouts(R"({"response": "50ms"})");
  say(*client, kAsked);
  expectRefused(504, "timed_out");
  EXPECT_NE(heardByClient().find("\r\nloam-cause: timeouts\r\n"), std::string::npos);
  EXPECT_EQ(counters.of(Fault::TimedOut).get(), 1u);
}

TEST_F(ServeFilteredTest, TheTimeForTheAnswerBeginsWithTheRequestsEnd) {
  timeouts(R"({"response": "200ms"})");
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  const Monotonic slow = clock.now() + milliseconds(400);
  while (clock.now() < slow) loop->turn(milliseconds(5));
  EXPECT_TRUE(atClient.empty());
  say(*client, "llo");
  expectAtServer("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  say(*server, kAnswered);
  expectAtClient(kAnswered);
}

TEST_F(ServeFilteredTest, AnAnswerThatIsNotWholeInTimeIsCutSoThatItIsSeen) {
  timeouts(R"({"request": "100ms"})");
  say(*client, kAsked);
  expectAtServer(kAsked);
  say(*server, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  turnUntil([&] { return clientOver; });
  EXPECT_TRUE(clientError);
  EXPECT_TRUE(heardByClient().ends_with("half"));
}

TEST_F(ServeFilteredTest, AServerThatKeepsSendingIsHeldToTheEndToo) {
  timeouts(R"({"request": "200ms"})");
  say(*client, kAsked);
  expectAtServer(kAsked);
  say(*server, "HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n");
  const std::string piece(1 << 20, 'x');
  const Monotonic begun = clock.now();
  for (int i = 0; i < 4000 && !clientOver; ++i) {
    const auto sent = ::send(server->fd(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) break;
    loop->turn(milliseconds(1));
    atClient.clear();
    if (clock.now() - begun > seconds(10)) break;
  }
  turnUntil([&] { return clientOver; });
  EXPECT_LT(clock.now() - begun, seconds(3));
}

TEST_F(ServeFilteredTest, IdleIsWithoutAByteInEitherDirection) {
  timeouts(R"({"idle": "150ms"})");
  say(*client, kAsked);
  expectAtServer(kAsked);
  say(*server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  for (const std::string_view piece : {"h", "e", "l", "l"}) {
    const Monotonic pause = clock.now() + milliseconds(80);
    while (clock.now() < pause) loop->turn(milliseconds(5));
    say(*server, piece);
  }
  turnUntil([&] { return heardByClient().ends_with("hell"); });
  EXPECT_FALSE(clientOver);
  turnUntil([&] { return clientOver; });
  EXPECT_TRUE(clientError);
}

TEST_F(ServeFilteredTest, WithoutABoundNothingIsBounded) {
  timeouts(R"({"rules": [{"name": "r", "match": {"paths": ["/x"]}, "request": "1ms"}]})");
  say(*client, kAsked);
  expectAtServer(kAsked);
  const Monotonic slow = clock.now() + milliseconds(100);
  while (clock.now() < slow) loop->turn(milliseconds(5));
  say(*server, kAnswered);
  expectAtClient(kAnswered);
}

TEST_F(ServeFilteredTest, C1_ADeniedRequestReachesNoServerAndThePathThatWasComparedGoesOn) {
  install<filters::ExchangePolicy, filters::PolicySettings>(
      R"({"rules": [{"name": "no-admin", "action": "deny", "match": {"paths": ["/admin/**"]}}]})",
      filters::ExchangePolicy::Stage::Enforce, filters::SourceShare{});
  say(*client, "GET /x/../admin/%61 HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return own() == 1; });
  EXPECT_TRUE(heardByClient().starts_with("HTTP/1.1 403 Forbidden\r\nloam-cause: policy:no-admin\r\n"));
  say(*client, "GET /a/.//%62?q=%2e HTTP/1.1\r\nHost: a\r\nX:  y\r\n\r\n");
  expectAtServer("GET /a/b?q=%2e HTTP/1.1\r\nHost: a\r\nX:  y\r\n\r\n");
  say(*server, kAnswered);
  turnUntil([&] { return heardByClient().ends_with(kAnswered); });
}

TEST_F(ServeFilteredTest, FiltersThatLookAtTheHeadSeeItWhileTheNextBytesCome) {
  install<filters::FaultFilter, filters::FaultSettings>(
      R"({"delay": "20ms", "answer": {"body": "x"}, "match": {"headers": {"x-id": "17*"}}})", filters::ExchangeShare{},
      std::make_shared<std::atomic<std::uint32_t>>(0));
  std::string all;
  for (int i = 0; i < 40; ++i) all += "GET / HTTP/1.1\r\nHost: a\r\nX-Id: 17" + std::to_string(i) + "\r\n\r\n";
  say(*client, all);
  turnUntil([&] { return own() == 40; });
}

TEST_F(ServeFilteredTest, FieldsAreAddedBehindThoseOfTheServer) {
  install<filters::RateFilter, filters::RateLimitSettings>(R"({"limits": [{"name": "r", "rate": "1/h", "burst": 2}]})",
                                                           filters::RateFilter::Stage::Enforce, filters::SourceShare{},
                                                           std::make_shared<filters::RateTable>(1));
  say(*client, kAsked);
  expectAtServer(kAsked);
  say(*server, kAnswered);
  expectAtClient(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-ratelimit-limit: 2\r\nx-ratelimit-remaining: 1\r\n"
      "x-ratelimit-reset: 3600\r\n\r\nok");
}

TEST_F(ServeFilteredTest, TheTapSeesTheAnswersThatTheServerNeverGave) {
  fault(R"({"abort": {"status": 500}})");
  say(*client, kAsked);
  turnUntil([&] { return own() == 1; });
  EXPECT_EQ(std::string(tap.seen[1].begin(), tap.seen[1].end()), heardByClient());
}

}  // namespace
}  // namespace loam::serve
