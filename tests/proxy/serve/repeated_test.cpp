#include <deque>

#include "proxy/filters/retries_filter.h"
#include "tests/proxy/filters/settings_table.h"
#include "tests/proxy/serve/serve_fixture.h"

namespace loam::serve {
namespace {

constexpr std::string_view kGet = "GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
constexpr std::string_view kPost = "POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kPut = "PUT /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kAnswered = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kDown = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown";
constexpr std::string_view kDownAndSpent =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nloam-retries: spent\r\n\r\ndown";

class Dialled final : public Connection {
 public:
  explicit Dialled(std::unique_ptr<io::Socket> socket) : socket_(std::move(socket)) {}
  relay::Leg leg() const override { return *socket_; }
  bool isUsed() const override { return used; }

  bool used = false;

 private:
  std::unique_ptr<io::Socket> socket_;
};

/// A server that the proxy dialled in the course of an exchange.
struct Later {
  std::unique_ptr<io::Socket> socket;
  std::optional<SocketAddress> asked;  // where it was to be
  std::vector<std::uint8_t> heard;
  std::optional<Error> error;
  bool over = false;

  std::string text() const { return {heard.begin(), heard.end()}; }
};

/// A served connection whose exchanges may be sent again: the test plays every server that is dialled.
class ServeRepeatedTest : public ServeFixture, public Ways {
 protected:
  Ways& ways() override { return *this; }
  Way now() override {
    return {&filters, {.client = *SocketAddress::parse("10.0.0.7:40000"), .destination = {}, .caller = "web"}, {}};
  }
  io::Task<Result<std::unique_ptr<Connection>>> dial(std::optional<SocketAddress> to, bool fresh, Monotonic) override {
    if (to && !fresh && !kept.empty()) {
      auto again = std::move(kept.back());
      kept.pop_back();
      co_return std::move(again);
    }
    ++dials;
    if (refusals != 0) {
      --refusals;
      co_return fail(ErrorCode::Refused, "nobody is there", ErrorOrigin::Upstream);
    }
    auto [ours, theirs] = test::tcpPair(*loop);
    Later& one = later.emplace_back();
    one.socket = std::move(theirs);
    one.asked = to;
    scope.spawn(receive(*one.socket, one.heard, one.error, one.over));
    co_return std::make_unique<Dialled>(std::move(ours));
  }
  void keep(std::unique_ptr<Connection> connection) override {
    static_cast<Dialled&>(*connection).used = true;
    kept.push_back(std::move(connection));
  }
  void retries(std::string_view json) {
    filters.push_back(std::make_unique<const filters::RetriesFilter>(filters::good<filters::RetriesSettings>(json),
                                                                     filters::ExchangeShare{}, budget));
  }
  /// The first server cuts the connection when it has heard `text`.
  void resetAfter(std::string_view text) {
    expectAtServer(text);
    relay::cut(*server);
  }
  /// The server that was dialled as the `index`-th hears just `text`, and answers.
  void answerFrom(std::size_t index, std::string_view text, std::string_view answer = kAnswered) {
    turnUntil([&] { return later.size() > index && later[index].heard.size() >= text.size(); });
    EXPECT_EQ(later[index].text(), text);
    say(*later[index].socket, answer);
  }
  std::string seenByTap() const { return {tap.seen[1].begin(), tap.seen[1].end()}; }

  filter::HttpFilters filters;
  std::shared_ptr<upstream::ServiceState> budget = std::make_shared<upstream::ServiceState>();
  std::deque<Later> later;
  std::vector<std::unique_ptr<Connection>> kept;
  std::size_t dials = 0;
  std::size_t refusals = 0;
};

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
  const std::string post =
      "POST /cart HTTP/1.1\r\nHost: shop\r\nIdempotency-Key: 7\r\nContent-Length: 5\r\n\r\nhello";
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
  expectAtClient("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\nloam-retries: spent\r\n\r\nbad");
  EXPECT_EQ(tally.rescued.get(), 0u);
}

TEST_F(ServeRepeatedTest, WhatAHopBehindThisOneRepeatedInVainIsNotRepeatedHere) {
  retries(R"({"on": ["gateway_error"], "attempts": 3})");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kDownAndSpent);
  expectAtClient(kDownAndSpent);
  EXPECT_EQ(dials, 0u);
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
  expectRefused(504, "timed_out");
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
  expectAtClient(kDownAndSpent);
  EXPECT_EQ(dials, 1u);
  EXPECT_EQ(tally.unaffordable.get(), 1u);
}

TEST_F(ServeRepeatedTest, WhoAsksForALongPauseIsNotAskedAgain) {
  retries(R"({"on": ["gateway_error"]})");
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, "HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n");
  expectAtClient("HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\nloam-retries: spent\r\n\r\n");
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

/// Sends everything to one address instead of where the client wanted to go.
class Elsewhere final : public filter::HttpFilter {
 public:
  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override {
    exchange.server = *SocketAddress::parse("10.0.0.9:80");
    return next(exchange);
  }
};

TEST_F(ServeRepeatedTest, ExchangesThatGoElsewhereLeaveTheClientsOwnServerAlone) {
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kPost);
  answerFrom(0, kPost);
  expectAtClient(kAnswered);
  EXPECT_EQ(later[0].asked, *SocketAddress::parse("10.0.0.9:80"));
  turnUntil([&] { return kept.size() == 1; });
  filters.clear();
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kAnswered);
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kGet);
  answerFrom(0, std::string(kPost) + std::string(kGet));
  expectAtClient(std::string(kAnswered) + std::string(kAnswered) + std::string(kAnswered));
  EXPECT_EQ(dials, 1u) << "what was kept is used again";
  EXPECT_EQ(seenByTap(), heardByClient());
}

TEST_F(ServeRepeatedTest, AKeptServerThatHasGoneIsReplacedUnseenWhereTheRequestMayBeDoneTwice) {
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kGet);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  turnUntil([&] { return kept.size() == 1; });
  relay::cut(*later[0].socket);
  say(*client, kGet);
  answerFrom(1, kGet);
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
}

TEST_F(ServeRepeatedTest, G1_APostOverAKeptServerThatHasGoneIsNotSentTwice) {
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kGet);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  turnUntil([&] { return kept.size() == 1; });
  relay::cut(*later[0].socket);
  say(*client, kPost);
  turnUntil([&] { return clientOver; });
  EXPECT_NE(heardByClient().find("HTTP/1.1 502 Bad Gateway\r\n"), std::string::npos);
  EXPECT_EQ(dials, 1u);
}

TEST_F(ServeRepeatedTest, WhatAServerElsewhereSaysTooMuchIsNotKept) {
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kGet);
  answerFrom(0, kGet, std::string(kAnswered) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  expectAtClient(kAnswered);
  say(*client, kGet);
  answerFrom(1, kGet);
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
}

TEST_F(ServeRepeatedTest, ATunnelGoesOnWithTheServerThatItBeganWith) {
  filters.push_back(std::make_unique<const Elsewhere>());
  const std::string_view upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  const std::string_view switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  say(*client, upgrade);
  answerFrom(0, upgrade, switched);
  expectAtClient(switched);
  say(*client, "ping");
  turnUntil([&] { return later[0].text().ends_with("ping"); });
  say(*later[0].socket, "pong");
  turnUntil([&] { return heardByClient().ends_with("pong"); });
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
  EXPECT_NE(heardByClient().find("\r\nloam-retries: spent\r\n"), std::string::npos);
  EXPECT_EQ(dials, 3u);
  EXPECT_EQ(counters.of(Fault::NoServer).get(), 1u);
}

TEST_F(ServeLateTest, WithoutFiltersTheFirstRequestDialsToo) {
  say(*client, kGet);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
}

}  // namespace
}  // namespace loam::serve
