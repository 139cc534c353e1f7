#include "shadow/decode/detector.h"

#include <gtest/gtest.h>

#include "shadow/decode/pending_requests.h"
#include "tests/support/http2_peers.h"
#include "tests/support/transcript.h"

namespace loam::decode {
namespace {

using test::client;
using test::clientEnds;
using test::server;
using test::serverEnds;
using test::Transcript;
using Lines = std::vector<std::string>;

Lines detected(const Transcript& transcript) {
  return test::playEverySplit([](DecoderEvents& events) { return makeDetector(events, DecoderContext()); }, transcript,
                              30)
      .lines;
}

/// Tells every byte that it is fed, so that order and completeness show.
class Echo final : public Decoder {
 public:
  explicit Echo(DecoderEvents& events) : events_(events) {}
  std::uint64_t feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override {
    for (const std::uint8_t byte : bytes) {
      const char text[] = {direction == Direction::Upstream ? '>' : '<', static_cast<char>(byte)};
      Exchange exchange;
      exchange.method = {text, 2};
      exchange.total = now.time_since_epoch();
      events_.onExchange(exchange);
    }
    return 0;
  }
  void skip(Direction, std::uint64_t, Monotonic) override {}
  void end(Direction, Monotonic) override { events_.onServerName("end"); }
  void close(Monotonic) override { events_.onServerName("close"); }

 private:
  DecoderEvents& events_;
};

Match matchWord(Direction first, std::span<const std::uint8_t> bytes, std::string_view word, Direction wanted) {
  if (first != wanted) return Match::No;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), word.size()));
  if (text != word.substr(0, text.size())) return Match::No;
  return text.size() == word.size() ? Match::Yes : Match::NeedMore;
}
std::unique_ptr<Decoder> makeEcho(DecoderEvents& events, const DecoderContext&) {
  return std::make_unique<Echo>(events);
}

constexpr Recogniser kEchoes[] = {
    {Protocol::Ldap,
     [](Direction first, std::span<const std::uint8_t> bytes, const DecoderContext&) {
       return matchWord(first, bytes, "abcd", Direction::Upstream);
     },
     makeEcho},
    {Protocol::Kafka,
     [](Direction first, std::span<const std::uint8_t> bytes, const DecoderContext&) {
       return matchWord(first, bytes, "ab", Direction::Upstream);
     },
     makeEcho},
    {Protocol::Smtp,
     [](Direction first, std::span<const std::uint8_t> bytes, const DecoderContext&) {
       return matchWord(first, bytes, "220 ", Direction::Downstream);
     },
     nullptr},
};

Lines echoed(const Transcript& transcript) {
  return test::playEverySplit(
             [](DecoderEvents& events) { return std::make_unique<Detector>(events, DecoderContext(), kEchoes); },
             transcript, 30)
      .lines;
}

TEST(DetectorTest, RecognisesByTheClientsFirstBytes) {
  EXPECT_EQ(detected({client("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), server("HTTP/1.1 204 No\r\n\r\n")}),
            (Lines{"protocol http1", "name a", "head GET a /x [Host=a]", "exchange ok 204 GET /x 1/1"}));
  EXPECT_EQ(detected({client("\r\nfrob:x y HTTP/1.1\r\n")}), (Lines{"protocol tcp"}));
  EXPECT_EQ(detected({client("\r\nPROPFIND x HTTP/1.0\n")}), (Lines{"protocol http1"}));
  EXPECT_EQ(detected({client("GET /" + std::string(3000, 'p') + " HTTP/1.1\r\n\r\n")}),
            (Lines{"protocol http1", "head GET  /" + std::string(3000, 'p'),
                   "exchange incomplete 0 GET /" + std::string(PendingRequests::kLongestPath - 1, 'p') + " 0/1"}));
  EXPECT_EQ(detected({client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}), (Lines{"protocol http2"}));
  EXPECT_EQ(detected({client(std::string("\x00\x01\x02", 3))}), (Lines{"protocol tcp"}));
  EXPECT_EQ(detected({client(std::string(5000, 'A'))}), (Lines{"protocol tcp"}));
}

TEST(DetectorTest, SaysNothingOfASilentConnection) {
  EXPECT_EQ(detected({}), Lines());
  EXPECT_EQ(detected({clientEnds(), serverEnds()}), Lines());
}

TEST(DetectorTest, WaitsForTheMoreSpecificAnswer) {
  EXPECT_EQ(echoed({client("ab"), client("cd")})[0], "protocol ldap");
  EXPECT_EQ(echoed({client("abX")})[0], "protocol kafka");
  EXPECT_EQ(echoed({client("ab"), clientEnds()})[0], "protocol kafka");
  EXPECT_EQ(echoed({client("a")}), (Lines{"protocol tcp"}));
  EXPECT_EQ(echoed({server("220 mail.example ESMTP\r\n")}), (Lines{"protocol smtp"}));
}

TEST(DetectorTest, ReplaysHeldBytesInTheirOrder) {
  EXPECT_EQ(echoed({client("a"), server("12"), client("b"), server("3"), client("cd!"), serverEnds()}),
            (Lines{"protocol ldap", "exchange ok 0 >a  0/0", "exchange ok 0 <1  0/1", "exchange ok 0 <2  0/1",
                   "exchange ok 0 >b  0/2", "exchange ok 0 <3  0/3", "exchange ok 0 >c  0/4", "exchange ok 0 >d  0/4",
                   "exchange ok 0 >!  0/4", "name end", "name close"}));
}

TEST(DetectorTest, DecidesWhenItMayHoldNoMore) {
  Lines lines = echoed({client("ab"), server(std::string(2000, 'x'))});
  EXPECT_EQ(lines[0], "protocol kafka");
  EXPECT_EQ(lines.size(), 2u + 2000u + 2u);
  Transcript talk{client("ab")};
  for (int i = 0; i < 10; ++i) talk.insert(talk.end(), {server("s"), client("")});
  for (int i = 0; i < 10; ++i) talk.insert(talk.end(), {client("c"), server("s")});
  EXPECT_EQ(echoed(talk)[0], "protocol kafka");
}

TEST(DetectorTest, TakesOffAPrefaceOfVersion1) {
  EXPECT_EQ(detected({client("PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\nGET / HTTP/1.0\r\n\r\n")}),
            (Lines{"client 192.0.2.7:4711", "protocol http1", "head GET  /", "exchange incomplete 0 GET / 0/1"}));
  EXPECT_EQ(detected({client("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"), client("\x01")}),
            (Lines{"client [2001:db8::1]:1", "protocol tcp"}));
  EXPECT_EQ(detected({client("PROXY UNKNOWN ffff\r\nGET / HTTP/1.0\r\n\r\n")})[0], "protocol http1");
  EXPECT_EQ(detected({client("PROXY TCP4 nonsense\r\n")}), Lines{"protocol tcp"});
  EXPECT_EQ(detected({client("PROXY /x HTTP/1.1\r\n\r\n")})[0], "protocol http1");
}

TEST(DetectorTest, TakesOffAPrefaceOfVersion2) {
  const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
  const std::string addresses("\xC0\x00\x02\x01\xC6\x33\x64\x01\x12\x34\x00\x50", 12);
  const std::string get = "GET / HTTP/1.0\r\n\r\n";
  const std::string four = signature + std::string("\x21\x11\x00\x0c", 4) + addresses;
  EXPECT_EQ(detected({client(four + get)})[0], "client 192.0.2.1:4660");
  EXPECT_EQ(detected({client(four + get)})[1], "protocol http1");
  // Extensions of 2000 bytes follow, and the server speaks first after them.
  const std::string extended = signature + std::string("\x21\x11\x07\xdc", 4) + addresses + std::string(2000, 'T');
  EXPECT_EQ(detected({client(extended + get)}), detected({client(four + get)}));
  const Lines local = detected({client(signature + std::string("\x20\x00\x00\x00", 4)), client(get)});
  EXPECT_EQ(local[0], "protocol http1");
  const std::string six = signature + std::string("\x21\x21\x00\x24", 4) + std::string(15, '\0') + "\x01" +
                          std::string(16, '\0') + std::string("\x00\x07\x00\x08", 4);
  EXPECT_EQ(detected({client(six)}), Lines{"client [::1]:7"});
}

TEST(DetectorTest, LetsTheServerSpeakFirstAfterAPreface) {
  EXPECT_EQ(echoed({client("PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n"), server("220 mail\r\n")}),
            (Lines{"client 192.0.2.7:4711", "protocol smtp"}));
}

TEST(DetectorTest, AnHttp2ServerMaySpeakFirst) {
  test::Http2Peers peers;
  peers.submit({{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/x"}},
                "",
                {{":status", "200"}},
                "",
                {}});
  peers.run();
  Transcript transcript{server(std::string("\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64", 15))};
  transcript.insert(transcript.end(), peers.transcript.begin(), peers.transcript.end());
  const Lines lines = detected(transcript);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front(), "protocol http2");
  EXPECT_TRUE(lines.back().starts_with("exchange ok 200 GET /x ")) << lines.back();
}

}  // namespace
}  // namespace loam::decode
