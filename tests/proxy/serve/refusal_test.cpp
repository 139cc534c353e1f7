#include "proxy/serve/strict_reader.h"
#include "tests/proxy/serve/serve_fixture.h"

namespace loam::serve {
namespace {

using relay::CloseReason;

class ServeRefusalTest : public ServeFixture {};

struct BadHead {
  std::string_view name;
  std::string_view head;
  int status;
  std::string_view why;
};

class ServeBadHeadTest : public ServeFixture, public testing::WithParamInterface<BadHead> {};

TEST_P(ServeBadHeadTest, IsAnsweredAndNotAByteOfItGoesOn) {
  say(*client, GetParam().head);
  expectRefused(GetParam().status, GetParam().why);
  turnUntil([&] { return reason.has_value(); });
  EXPECT_EQ(heardByServer(), "");
  std::uint64_t refused = 0;
  for (const Counter& counter : counters.badHeads) refused += counter.get();
  EXPECT_EQ(refused, 1u);
  EXPECT_FALSE(tap.seen[1].empty());  // the record shows what the client was told
  std::string foretold;
  StrictReader along(std::make_shared<const filters::ServeSettings>(settings), shared.fields,
                     [&foretold](std::string_view why) { foretold = why; });
  along.feed(relay::Direction::Upstream, GetParam().head, Monotonic());
  EXPECT_EQ(foretold, GetParam().why) << "by who only reads along";
}

INSTANTIATE_TEST_SUITE_P(
    A, ServeBadHeadTest,
    testing::Values(BadHead{"BothLengths",
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                            400, "both_lengths"},
                    BadHead{"TwoLengths",
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400,
                            "content_length"},
                    BadHead{"OddCoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 400,
                            "transfer_encoding"},
                    BadHead{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400, "host"},
                    BadHead{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "host"},
                    BadHead{"BareLf", "GET / HTTP/1.1\nHost: a\n\n", 400, "bare_lf"},
                    BadHead{"Folded", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400, "obs_fold"},
                    BadHead{"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "field_name"},
                    BadHead{"Version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "version"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(ServeRefusalTest, AHeadThatIsTooLongIsRefused) {
  settings.maxHead = 8 << 10;
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  expectRefused(431, "head_too_long");
  EXPECT_EQ(counters.of(Fault::HeadTooLong).get(), 1u);
  EXPECT_EQ(heardByServer(), "");
}

TEST_F(ServeRefusalTest, AHeadIsHeldToItsLimitAlsoWhereTheBufferIsLarger) {
  settings.maxHead = 8 << 10;
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n");
  expectRefused(431, "head_too_long");
}

TEST_F(ServeRefusalTest, ABadRequestAfterAGoodOneIsAnsweredToo) {
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  say(*server, "HTTP/1.1 204 No\r\n\r\n");
  turnUntil([&] { return !atClient.empty(); });
  atClient.clear();
  say(*client, "GET / HTTP/1.1\r\n\r\n");
  expectRefused(400, "host");
}

TEST_F(ServeRefusalTest, LineEndsWithoutARequestAreNotHeardForEver) {
  std::string flood;
  for (int i = 0; i < 50'000; ++i) flood += "\r\n";
  say(*client, flood);
  expectRefused(400, "start_line");
  turnUntil([&] { return reason.has_value(); });
  EXPECT_LE(tap.seen[0].size(), 100'000u);
}

TEST_F(ServeRefusalTest, WhoWasRefusedIsNotListenedToForLong) {
  say(*client, "GET / HTTP/1.1\r\n\r\n" + std::string(2'000'000, 'x'));
  turnUntil([&] { return reason.has_value(); });
  EXPECT_LT(tap.seen[0].size(), 200'000u);
}

TEST_F(ServeRefusalTest, AServerThatOnlyGivesHintsIs502) {
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  std::string hints;
  for (int i = 0; i < 1'000; ++i) hints += "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
  say(*server, hints);
  turnUntil([&] { return clientOver; });
  EXPECT_NE(heardByClient().find("HTTP/1.1 502 "), std::string::npos);
  EXPECT_EQ(counters.of(Fault::AnswerHead).get(), 1u);
}

TEST_F(ServeRefusalTest, TooManyFieldsAreRefused) {
  settings.maxFields = 20;
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 20; ++i) head += "X: y\r\n";
  say(*client, head + "\r\n");
  expectRefused(431, "too_many_fields");
}

TEST_F(ServeRefusalTest, AHeadThatDoesNotComeWholeInTimeIsRefused) {
  settings.headTimeout = milliseconds(50);
  say(*client, "GET / HT");
  expectRefused(408, "head_timeout");
}

TEST_F(ServeRefusalTest, AnIdleConnectionIsEndedInOrder) {
  settings.keepAlive = milliseconds(50);  // from the first answer on
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  say(*server, "HTTP/1.1 204 No\r\n\r\n");
  turnUntil([&] { return clientOver && serverOver; });
  EXPECT_FALSE(clientError || serverError);
  EXPECT_EQ(heardByClient(), "HTTP/1.1 204 No\r\n\r\n");
}

TEST_F(ServeRefusalTest, AFaultInTheBodyIsAnsweredAndTheServerIsCut) {
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n");
  expectRefused(400, "body_framing");
  turnUntil([&] { return serverOver; });
  EXPECT_TRUE(serverError.has_value());  // half a request must not look whole
}

TEST_F(ServeRefusalTest, AServerThatDoesNotAnswerIsTold504) {
  settings.stallTimeout = settings.headTimeout = milliseconds(50);
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  expectRefused(504, "answer_stalled");
}

TEST_F(ServeRefusalTest, G1_AServerThatCutsBeforeItsHeadIs502) {
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  say(*server, "HTTP/1.1 2", true);
  expectRefused(502, "server_ended");
}

TEST_F(ServeRefusalTest, G1_AServerThatCutsHalfWayIsSeenAsACut) {
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  say(*server, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true);
  turnUntil([&] { return clientOver && reason.has_value(); });
  EXPECT_TRUE(clientError.has_value());
  EXPECT_EQ(*reason, CloseReason::UpstreamReset);
}

TEST_F(ServeRefusalTest, AnAnswerWhoseHeadIsNoneIs502) {
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  say(*server, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx");
  expectRefused(502, "answer_head");
}

TEST_F(ServeRefusalTest, AConnectionThatTheServerLetGoAsTheNextRequestCameIsEndedUnanswered) {
  say(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  say(*server, "HTTP/1.1 204 No\r\n\r\n");
  turnUntil([&] { return !atClient.empty(); });
  say(*client, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return heardByServer().find("/2") != std::string::npos; });
  ::shutdown(server->fd(), SHUT_WR);
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(heardByClient(), "HTTP/1.1 204 No\r\n\r\n");
}

TEST_F(ServeRefusalTest, AClientThatCutsItsRequestCutsTheServer) {
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf", true);
  turnUntil([&] { return serverOver && reason.has_value(); });
  EXPECT_TRUE(serverError.has_value());
  EXPECT_EQ(*reason, CloseReason::DownstreamReset);
}

}  // namespace
}  // namespace loam::serve
