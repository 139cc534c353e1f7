#include "proxy/serve/strict_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_clock.h"

namespace loam::serve {
namespace {

using relay::Direction;

constexpr std::string_view kPlain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kFine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A relayed connection that is read along, in whole pieces or byte by byte.
class StrictReaderTest : public testing::Test {
 protected:
  void begin() {
    told.clear();
    reader = std::make_unique<StrictReader>(std::make_shared<const filters::ServeSettings>(settings), fields,
                                            [this](std::string_view why) { told.emplace_back(why); });
  }
  std::uint64_t feed(Direction direction, std::string_view bytes) {
    return reader->feed(direction, bytes, clock.now());
  }
  std::uint64_t client(std::string_view bytes) { return say(Direction::Upstream, bytes); }
  std::uint64_t server(std::string_view bytes) { return say(Direction::Downstream, bytes); }
  std::uint64_t say(Direction direction, std::string_view bytes) {
    if (!bytewise) return feed(direction, bytes);
    std::uint64_t last = 0;
    for (const char& byte : bytes) last = feed(direction, {&byte, 1});
    return last;
  }
  /// What is told of a connection whose sides say this, in both ways of cutting it.
  std::string ofBoth(std::string_view asked, std::string_view answered = {}) {
    std::string outcome;
    for (const bool cut : {false, true}) {
      bytewise = cut;
      begin();
      client(asked);
      server(answered);
      const std::string now = told.empty() ? reader->isReading() ? "reads on" : "out of the way" : told.at(0);
      EXPECT_LE(told.size(), 1u);
      EXPECT_TRUE(!cut || outcome == now) << outcome << " / " << now;
      outcome = now;
    }
    bytewise = false;
    return outcome;
  }

  test::FakeClock clock;
  filters::ServeSettings settings;
  std::vector<http::HeaderField> fields;
  std::vector<std::string> told;
  std::unique_ptr<StrictReader> reader;
  bool bytewise = false;
};

TEST_F(StrictReaderTest, WhatIsInOrderIsReadOn) {
  const std::string twice = std::string(kPlain) + std::string(kPlain);
  EXPECT_EQ(ofBoth(twice, std::string(kFine) + std::string(kFine)), "reads on");
  EXPECT_EQ(ofBoth("\r\n\r\n" + twice, kFine), "reads on");
  EXPECT_EQ(ofBoth("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n" + twice,
                   "HTTP/1.1 100 Continue\r\n\r\n" + std::string(kFine)),
            "reads on");
  EXPECT_EQ(
      ofBoth("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + std::string()),
      "reads on");
}

TEST_F(StrictReaderTest, RequestsAreJudgedAsTheyWouldBeIfTheyWereServed) {
  EXPECT_EQ(ofBoth("GET / HTTP/1.1\nHost: a\n\n"), "bare_lf");
  EXPECT_EQ(ofBoth("GET / HTTP/1.1\r\n\r\n"), "host");
  EXPECT_EQ(ofBoth("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "both_lengths");
  EXPECT_EQ(ofBoth("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"), "obs_fold");
  EXPECT_EQ(ofBoth("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n"), "body_framing");
  EXPECT_EQ(ofBoth(std::string(kPlain) + "GET /b HTTP/1.1\r\n\r\n", kFine), "host") << "the second one";
  std::string empty;
  for (int i = 0; i < 33; ++i) empty += "\r\n";
  EXPECT_EQ(ofBoth(empty + std::string(kPlain)), "start_line");
}

TEST_F(StrictReaderTest, AnswersAreJudgedToo) {
  EXPECT_EQ(ofBoth(kPlain, "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), "answer_head");
  EXPECT_EQ(ofBoth(kPlain, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), "answer_framing");
  std::string interims;
  for (int i = 0; i < 33; ++i) interims += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(ofBoth(kPlain, interims), "answer_head");
}

TEST_F(StrictReaderTest, TheLimitsAreThoseOfTheSettings) {
  settings.maxHead = 4096;
  settings.maxFields = 16;
  const std::string much(4096, 'x');
  EXPECT_EQ(ofBoth("GET / HTTP/1.1\r\nHost: a\r\nX: " + much + "\r\n\r\n"), "head_too_long");
  EXPECT_EQ(ofBoth("GET / HTTP/1.1\r\nHost: a\r\nX: " + much), "head_too_long") << "its end need not be seen";
  EXPECT_EQ(ofBoth(kPlain, "HTTP/1.1 200 OK\r\nX: " + much + "\r\n\r\n"), "answer_head_too_long");
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 16; ++i) many += "X: y\r\n";
  EXPECT_EQ(ofBoth(many + "\r\n"), "too_many_fields");
}

TEST_F(StrictReaderTest, OtherProtocolsAndTunnelsAreNoneOfItsBusiness) {
  EXPECT_EQ(ofBoth("\x16\x03\x01\x02hello"), "out of the way");
  EXPECT_EQ(ofBoth("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "out of the way");
  EXPECT_EQ(ofBoth({}, "220 mail.example ESMTP\r\n"), "out of the way") << "the server speaks first";
  const std::string upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  EXPECT_EQ(ofBoth(upgrade + "\x81\x01z", "HTTP/1.1 101 Switching Protocols\r\n\r\n"), "out of the way");
  EXPECT_EQ(ofBoth("CONNECT b:1 HTTP/1.1\r\nHost: b\r\n\r\n\x16\x03", "HTTP/1.1 200 OK\r\n\r\n"), "out of the way");
  settings.onMismatch = filters::ServeSettings::Mismatch::Refuse;
  EXPECT_EQ(ofBoth("\x16\x03\x01\x02hello"), "foreign");
}

TEST_F(StrictReaderTest, WhatWaitedForATunnelThatDidNotComeIsReadAfterAll) {
  const std::string upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  EXPECT_EQ(ofBoth(upgrade + "GET /b HTTP/1.1\r\n\r\n"), "reads on");
  EXPECT_EQ(ofBoth(upgrade + "GET /b HTTP/1.1\r\n\r\n", kFine), "host");
}

TEST_F(StrictReaderTest, AfterTheLastExchangeNothingIsJudged) {
  EXPECT_EQ(ofBoth("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", kFine), "out of the way");
  EXPECT_EQ(ofBoth(kPlain, "HTTP/1.1 200 OK\r\n\r\nuntil the end"), "reads on");
  reader->end(Direction::Downstream, clock.now());
  EXPECT_FALSE(reader->isReading());
  begin();
  client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhal");
  server(kFine);
  EXPECT_FALSE(reader->isReading()) << "answered before the request was whole";
  EXPECT_TRUE(told.empty());
}

TEST_F(StrictReaderTest, AHeadThatItsClientCutIsNone) {
  begin();
  client("GET / HT");
  reader->end(Direction::Upstream, clock.now());
  EXPECT_EQ(told, std::vector<std::string>{"incomplete"});
  begin();
  client(kPlain);
  server("HTTP/1.1 200 OK\r\nContent-Le");
  reader->end(Direction::Downstream, clock.now());
  reader->close(clock.now());
  EXPECT_TRUE(told.empty()) << "it ended by itself";
}

TEST_F(StrictReaderTest, WhatTakesTooLongIsToldOnceItIsSeen) {
  begin();
  client("GET / HTTP/1.1\r\n");
  clock.advance(settings.headTimeout);
  client("Host: a\r\n");
  EXPECT_TRUE(told.empty());
  clock.advance(milliseconds(1));
  client("\r\n");
  EXPECT_EQ(told, std::vector<std::string>{"head_timeout"});
  begin();
  client(kPlain);
  clock.advance(settings.stallTimeout + milliseconds(1));
  reader->close(clock.now());
  EXPECT_EQ(told, std::vector<std::string>{"answer_stalled"});
  begin();
  client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhal");
  clock.advance(settings.stallTimeout + milliseconds(1));
  client("f");
  EXPECT_EQ(told, std::vector<std::string>{"request_stalled"});
  begin();
  client(kPlain);
  server(kFine);
  clock.advance(settings.stallTimeout * 3);
  client(kPlain);
  EXPECT_TRUE(told.empty()) << "between two exchanges nothing is awaited";
}

TEST_F(StrictReaderTest, BodiesNeedNoLook) {
  begin();
  EXPECT_EQ(client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc"), 997u);
  reader->skip(Direction::Upstream, 900, clock.now());
  EXPECT_EQ(client("abcdefg"), 90u);
  reader->skip(Direction::Upstream, 90, clock.now());
  EXPECT_EQ(server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n"), 255u);
  reader->skip(Direction::Downstream, 255, clock.now());
  EXPECT_EQ(server("\r\n0\r\n\r\n"), 0u);
  EXPECT_EQ(client("GET / HTTP/1.1\n\n"), StrictReader::kOpaque);
  EXPECT_EQ(told, std::vector<std::string>{"bare_lf"});
  EXPECT_EQ(server("HTTP/1.1 400 Bad Request\r\n\r\n"), StrictReader::kOpaque);
  EXPECT_EQ(told.size(), 1u);
}

}  // namespace
}  // namespace loam::serve
