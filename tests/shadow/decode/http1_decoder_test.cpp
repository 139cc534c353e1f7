#include "shadow/decode/http1_decoder.h"

#include <gtest/gtest.h>

#include "tests/support/transcript.h"

namespace loam::decode {
namespace {

using test::client;
using test::server;
using test::serverEnds;
using test::Transcript;
using Lines = std::vector<std::string>;

test::DecoderMaker maker(bool showsHeads = true) {
  return [showsHeads](DecoderEvents& events) {
    DecoderContext context;
    static constexpr bool kNever = false;
    context.showsHeads = showsHeads ? &DecoderContext::kAlways : &kNever;
    return makeHttp1Decoder(events, context);
  };
}

/// Every event, which are the same but for the heads where nobody asks for them.
Lines all(const Transcript& transcript) {
  Lines shown = test::playEverySplit(maker(), transcript).lines;
  Lines expected = shown;
  std::erase_if(expected, [](const std::string& line) { return line.starts_with("head "); });
  EXPECT_EQ(test::playEverySplit(maker(false), transcript, 10).lines, expected);
  return shown;
}
Lines exchanges(const Transcript& transcript) {
  Lines lines = all(transcript);
  std::erase_if(lines, [](const std::string& line) { return !line.starts_with("exchange"); });
  return lines;
}

TEST(Http1DecoderTest, ReportsHeadNameAndExchange) {
  const Lines lines = all({client("GET /users/7?x=1 HTTP/1.1\r\nHost: Users.example:8080\r\nA: b\r\n\r\n"),
                           server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")});
  EXPECT_EQ(lines,
            (Lines{"name users.example", "head GET Users.example:8080 /users/7?x=1 [Host=Users.example:8080] [A=b]",
                   "exchange ok 200 GET /users/7 1/1"}));
}

TEST(Http1DecoderTest, KeepsPipelinedRequestsInOrder) {
  const std::string get = " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(
      exchanges(
          {client("GET /1" + get + "HEAD /2" + get + "POST /3 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /4" + get),
           server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n"),
           server(
               "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n")}),
      (Lines{"exchange ok 200 GET /1 1/1", "exchange ok 404 HEAD /2 1/1", "exchange error 503 POST /3 2/2",
             "exchange ok 204 GET /4 2/2"}));
}

TEST(Http1DecoderTest, FollowsChunksWithExtensionsAndTrailers) {
  EXPECT_EQ(exchanges({client("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5;name=\"v;x\"\r\nhello\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"),
                       server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\nx\n0\nT: 1\n\n"),
                       client("GET /next HTTP/1.1\r\n\r\n"),
                       server("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n")}),
            (Lines{"exchange ok 200 POST /up 1/1", "exchange ok 304 GET /next 1/1"}));
}

TEST(Http1DecoderTest, TimesTheFinalAnswerAfterInterimOnes) {
  EXPECT_EQ(
      exchanges({client("PUT /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
                 server("HTTP/1.1 100 Continue\r\n\r\n"), client("data"),
                 server("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n"),
                 server("x")}),
      (Lines{"exchange ok 201 PUT /f 3/4"}));
}

TEST(Http1DecoderTest, TakesAnAnswerBeforeTheRequestsBodyEnds) {
  EXPECT_EQ(exchanges({client("POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"),
                       server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
                       client("defGET /after HTTP/1.1\r\nHost: a\r\n\r\n"),
                       server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}),
            (Lines{"exchange ok 413 POST /big 1/1", "exchange ok 200 GET /after 1/1"}));
}

TEST(Http1DecoderTest, EndsAnAnswerWithTheConnection) {
  const Transcript transcript{client("GET / HTTP/1.0\n\n"), server("HTTP/1.0 200 OK\nServer: old\n\nsome"),
                              server("thing")};
  Transcript ended = transcript;
  ended.push_back(serverEnds());
  EXPECT_EQ(exchanges(ended), (Lines{"exchange ok 200 GET / 1/3"}));
  EXPECT_EQ(exchanges(transcript), (Lines{"exchange incomplete 200 GET / 1/3"}));
}

TEST(Http1DecoderTest, CallsATruncatedAnswerIncomplete) {
  EXPECT_EQ(exchanges({client("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"),
                       server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"), serverEnds()}),
            (Lines{"exchange incomplete 200 GET /a 1/2", "exchange incomplete 0 GET /b 0/3"}));
}

TEST(Http1DecoderTest, TurnsOpaqueAfterAnUpgradeToWebSocket) {
  EXPECT_EQ(
      all({client("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
           server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello"),
           client("\x81\x85zzzzzzzzz")}),
      (Lines{"name a", "head GET a /chat [Host=a] [Connection=Upgrade] [Upgrade=websocket]",
             "exchange ok 101 GET /chat 1/1", "protocol websocket"}));
}

TEST(Http1DecoderTest, GoesOnWhenAnUpgradeIsDeclined) {
  EXPECT_EQ(
      exchanges(
          {client("GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
           server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
           server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}),
      (Lines{"exchange ok 200 GET /a 1/1", "exchange ok 200 GET /b 1/1"}));
}

TEST(Http1DecoderTest, TurnsOpaqueInsideAConnectTunnel) {
  EXPECT_EQ(all({client("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n\x16\x03\x01"),
                 server("HTTP/1.1 200 Connection established\r\n\r\n\x15\x03"), client("\x01\x02")}),
            (Lines{"name db", "head CONNECT db:5432 db:5432 [Host=db:5432]", "exchange ok 200 CONNECT db:5432 1/1",
                   "protocol tcp"}));
  EXPECT_EQ(
      exchanges({client("CONNECT db:5432 HTTP/1.1\r\n\r\n"), server("HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx"),
                 client("GET / HTTP/1.1\r\n\r\n"), server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}),
      (Lines{"exchange ok 403 CONNECT db:5432 1/1", "exchange ok 200 GET / 1/1"}));
}

TEST(Http1DecoderTest, LosesTheConnectionOnDoubt) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  const auto lost = [](const Transcript& transcript) { return test::playEverySplit(maker(), transcript).of("lost"); };
  EXPECT_EQ(lost({client(head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")}), Lines{"lost ambiguous"});
  EXPECT_EQ(lost({client(head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n")}), Lines{"lost ambiguous"});
  EXPECT_EQ(lost({client(head + "Content-Length: +3\r\n\r\n")}), Lines{"lost ambiguous"});
  EXPECT_EQ(lost({client(head + "Transfer-Encoding: xchunked\r\n\r\n")}), Lines{"lost ambiguous"});
  EXPECT_EQ(lost({client(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")}), Lines{"lost malformed"});
  EXPECT_EQ(lost({client("GET / HTTP/1.1\r\n\r\n\x16\x03\x01 \r\n\r\n")}), Lines{"lost malformed"});
  EXPECT_EQ(lost({server("HTTP/1.1 200 OK\r\n\r\n")}), Lines{"lost out_of_step"});
  EXPECT_EQ(lost({client("GET /" + std::string(70000, 'a')), server("x")}), Lines{"lost too_long"});
}

TEST(Http1DecoderTest, ReadsWhatOldSoftwareSends) {
  EXPECT_EQ(
      exchanges({client("\r\n\nGET   /a b\tHTTP/1.0  \nX-Odd : 1\n folded\nnocolon\nContent-Length : 2\n\nhi\r\n"),
                 server("HTTP/1.1  200\nContent-Length: 1, 1\n\nx"), client("FROB!~ * HTTP/1.1\n\n"),
                 server("HTTP/1.1 999 What\r\ncontent-length:0\r\n\r\n")}),
      (Lines{"exchange ok 200 GET /a b 1/1", "exchange error 999 FROB!~ * 1/1"}));
}

TEST(Http1DecoderTest, SaysWhatNeedsNoLook) {
  test::EventLog log;
  const auto decoder = makeHttp1Decoder(log, DecoderContext());
  const auto feed = [&](Direction direction, std::string_view text) {
    return decoder->feed(direction, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, Monotonic());
  };
  EXPECT_EQ(feed(Direction::Upstream, "PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nxyz"), 999997u);
  decoder->skip(Direction::Upstream, 999997, Monotonic());
  EXPECT_EQ(feed(Direction::Downstream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx"), 254u);
  EXPECT_EQ(feed(Direction::Downstream, std::string(254, 'x') + "\r\n0\r\n\r\n"), 0u);
  EXPECT_EQ(log.of("exchange"), Lines{"exchange ok 200 PUT / 0/0"});
  EXPECT_EQ(feed(Direction::Upstream, "GET / HTTP/1.1\r\n\r\n"), 0u);
  EXPECT_EQ(feed(Direction::Downstream, "HTTP/1.1 200 OK\r\n\r\n"), Http1Decoder::kUntilEnd);
}

TEST(Http1DecoderTest, StaysSmall) { EXPECT_LE(sizeof(Http1Decoder), 400u); }

TEST(Http1DecoderTest, NamesOnlySoManyHosts) {
  Transcript transcript;
  for (int i = 0; i < 40; ++i) {
    transcript.push_back(client("GET / HTTP/1.1\r\nHost: h" + std::to_string(i % 20) + "\r\n\r\n"));
    transcript.push_back(server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  }
  const test::EventLog log = test::playWhole(maker(), transcript);
  EXPECT_EQ(log.of("name ").size(), ServerNames::kMostNames);
  EXPECT_EQ(log.of("exchange").size(), 40u);
}

}  // namespace
}  // namespace loam::decode
