#include "shadow/decode/http2_decoder.h"

#include <gtest/gtest.h>

#include "proxy/http/hpack.h"
#include "shadow/decode/http1_decoder.h"
#include "tests/support/http2_peers.h"
#include "tests/support/transcript.h"

namespace loam::decode {
namespace {

using test::client;
using test::Fields;
using test::Http2Call;
using test::Http2Peers;
using test::server;
using test::Transcript;
using Lines = std::vector<std::string>;

test::DecoderMaker maker() {
  return [](DecoderEvents& events) { return makeHttp2Decoder(events, DecoderContext()); };
}

Fields request(const std::string& method, const std::string& path, Fields more = {}) {
  Fields fields{{":method", method}, {":scheme", "http"}, {":authority", "shop.example:80"}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::string frame(http::FrameType type, std::uint8_t flags, std::uint32_t stream, const std::string& payload) {
  const auto head = http::serialise({static_cast<std::uint32_t>(payload.size()), stream, type, flags});
  return std::string(head.begin(), head.end()) + payload;
}
const std::string kSettings = frame(http::FrameType::Settings, 0, 0, "");

TEST(Http2DecoderTest, ReportsCallsOfOneConnection) {
  Http2Peers peers;
  peers.submit({request("GET", "/a?q=1", {{"x", "y"}}), "", {{":status", "200"}}, "hello", {}});
  peers.submit({request("POST", "/b"), std::string(40000, 'b'), {{":status", "503"}}, "", {}});
  peers.run();
  peers.submit({request("GET", "/a?q=1", {{"x", "y"}}), "", {{":status", "200"}}, std::string(50000, 'z'), {}});
  peers.run();
  const Lines lines = test::playEverySplit(maker(), peers.transcript).lines;
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[0], "name shop.example");
  EXPECT_EQ(lines[1], "head GET shop.example:80 /a?q=1 [x=y]");
  EXPECT_EQ(lines[2], "head POST shop.example:80 /b");
  EXPECT_TRUE(lines[3].starts_with("exchange error 503 POST /b ")) << lines[3];
  EXPECT_TRUE(lines[4].starts_with("exchange ok 200 GET /a ")) << lines[4];
  EXPECT_EQ(lines[5], lines[1]);
  EXPECT_TRUE(lines[6].starts_with("exchange ok 200 GET /a ")) << lines[6];
}

TEST(Http2DecoderTest, JudgesGrpcByItsStatus) {
  const Fields type{{"content-type", "application/grpc+proto"}, {"te", "trailers"}};
  const Fields head{{":status", "200"}, {"content-type", "application/grpc"}};
  Fields trailersOnly = head;
  trailersOnly.push_back({"grpc-status", "12"});
  Http2Peers peers(4096, true);
  const std::string message("\0\0\0\0\3abc", 8);
  peers.submit({request("POST", "/pkg.Shop/Buy", type), message, head, message, {{"grpc-status", "0"}}});
  peers.submit(
      {request("POST", "/pkg.Shop/Pay", type), message, head, message, {{"grpc-status", "14"}, {"grpc-message", "x"}}});
  peers.submit({request("POST", "/pkg.Shop/Nope", type), message, trailersOnly, "", {}});
  peers.run();
  test::EventLog log = test::playEverySplit(maker(), peers.transcript);
  EXPECT_EQ(log.of("protocol"), Lines{"protocol grpc"});
  const Lines exchanges = log.of("exchange");
  ASSERT_EQ(exchanges.size(), 3u);
  EXPECT_TRUE(exchanges[0].starts_with("exchange error 12 POST /pkg.Shop/Nope ")) << exchanges[0];
  EXPECT_TRUE(exchanges[1].starts_with("exchange ok 0 POST /pkg.Shop/Buy ")) << exchanges[1];
  EXPECT_TRUE(exchanges[2].starts_with("exchange error 14 POST /pkg.Shop/Pay ")) << exchanges[2];
}

TEST(Http2DecoderTest, FollowsTablesOfAnySize) {
  for (const std::uint32_t table : {0u, 64u, 4096u, 65536u}) {
    Http2Peers peers(table, table == 64);
    for (int round = 0; round < 40; ++round) {
      Fields more;
      for (int i = 0; i < 12; ++i)
        more.push_back({"h" + std::to_string((round * 7 + i) % 50), std::string(90, static_cast<char>('a' + i))});
      peers.submit({request("GET", "/r" + std::to_string(round), more), "", {{":status", "204"}, more[0]}, "", {}});
      if (round % 3 == 0) peers.run();
    }
    peers.run();
    const test::EventLog log = test::playWhole(maker(), peers.transcript);
    EXPECT_EQ(log.of("exchange ok 204").size(), 40u) << table;
    EXPECT_EQ(log.of("lost"), Lines()) << table;
    const Lines heads = log.of("head GET shop.example:80 /r39");
    ASSERT_EQ(heads.size(), 1u);
    EXPECT_NE(heads[0].find("[h23=" + std::string(90, 'a') + "]"), std::string::npos) << heads[0];
  }
}

TEST(Http2DecoderTest, TakesHeadsThatNeedContinuation) {
  Http2Peers peers;
  peers.submit({request("GET", "/big", {{"cookie", std::string(20000, '~')}}), "", {{":status", "200"}}, "", {}});
  peers.run();
  const test::EventLog log = test::playEverySplit(maker(), peers.transcript, 30);
  EXPECT_EQ(log.of("exchange").size(), 1u);
  EXPECT_NE(log.lines[1].find(std::string(20000, '~')), std::string::npos);
}

TEST(Http2DecoderTest, TellsWhoResetAStream) {
  Http2Peers peers;
  peers.holdAnswers(true);
  const auto given = peers.submit({request("GET", "/given-up"), "", {}, "", {}});
  const auto failed = peers.submit({request("GET", "/failed"), "", {}, "", {}});
  peers.submit({request("GET", "/open"), "", {}, "", {}});
  peers.run();
  peers.resetByClient(given);
  peers.run();
  peers.resetByServer(failed);
  peers.run();
  nghttp2_submit_goaway(peers.serverSession(), 0, 5, 0, nullptr, 0);
  peers.run();
  const Lines exchanges = test::playEverySplit(maker(), peers.transcript).of("exchange");
  ASSERT_EQ(exchanges.size(), 3u);
  EXPECT_TRUE(exchanges[0].starts_with("exchange incomplete 0 GET /given-up "));
  EXPECT_TRUE(exchanges[1].starts_with("exchange error 0 GET /failed "));
  EXPECT_TRUE(exchanges[2].starts_with("exchange incomplete 0 GET /open "));
}

TEST(Http2DecoderTest, ReadsPastPushedStreams) {
  Http2Peers peers;
  peers.holdAnswers(true);
  const auto asked = peers.submit({request("GET", "/page"), "", {}, "", {}});
  peers.run();
  const auto nv = [](std::string_view name, std::string_view value) {
    return nghttp2_nv{reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0};
  };
  const nghttp2_nv pushed[] = {nv(":method", "GET"), nv(":scheme", "http"), nv(":authority", "a"),
                               nv(":path", "/style")};
  const nghttp2_nv ok[] = {nv(":status", "200"), nv("x-table", "both")};
  const auto promised = nghttp2_submit_push_promise(peers.serverSession(), 0, asked, pushed, 4, nullptr);
  ASSERT_EQ(promised, 2);
  nghttp2_submit_response(peers.serverSession(), promised, ok, 2, nullptr);
  nghttp2_submit_response(peers.serverSession(), asked, ok, 2, nullptr);
  peers.run();
  const test::EventLog log = test::playEverySplit(maker(), peers.transcript);
  EXPECT_EQ(log.of("lost"), Lines());
  ASSERT_EQ(log.of("exchange").size(), 1u);
  EXPECT_TRUE(log.of("exchange")[0].starts_with("exchange ok 200 GET /page "));
}

TEST(Http2DecoderTest, GivesUpOnWhatIsNoHttp2) {
  const std::string start(http::kHttp2Preface);
  const auto lost = [](const Transcript& transcript) { return test::playEverySplit(maker(), transcript).of("lost"); };
  EXPECT_EQ(lost({client(start + kSettings), server("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")}),
            Lines{"lost out_of_step"});
  EXPECT_EQ(lost({client(start + frame(http::FrameType::Ping, 0, 0, "12345678"))}), Lines{"lost out_of_step"});
  EXPECT_EQ(lost({client(start + kSettings + frame(http::FrameType::Headers, 5, 1, "\xff\xff\xff\xff\xff\xff"))}),
            Lines{"lost malformed"});
  EXPECT_EQ(lost({client(start + kSettings + frame(http::FrameType::Continuation, 4, 1, ""))}),
            Lines{"lost malformed"});
  EXPECT_EQ(lost({client("PRI * HTTP/2.0\r\n\r\nSN")}), Lines{"lost malformed"});
}

TEST(Http2DecoderTest, B8_ContinuationFloodIsBounded) {
  std::string flood = std::string(http::kHttp2Preface) + kSettings + frame(http::FrameType::Headers, 0, 1, "");
  for (int i = 0; i < 70; ++i) flood += frame(http::FrameType::Continuation, 0, 1, "");
  EXPECT_EQ(test::playEverySplit(maker(), {client(flood)}, 10).of("lost"), Lines{"lost too_long"});
}

TEST(Http2DecoderTest, B9_RepeatedReferencesAreCountedWhileDecoding) {
  http::HpackDeflater deflater;
  const std::string large(3000, 'v');
  std::string block;
  const http::HeaderField first[] = {{":method", "GET"}, {":path", "/"}, {"x-large", large}};
  deflater.deflate(first, block);
  // The newest entry of the table, index 62, a thousand times.
  block += std::string(1000, '\xbe');
  const std::string start = std::string(http::kHttp2Preface) + kSettings;
  EXPECT_EQ(test::playEverySplit(maker(), {client(start + frame(http::FrameType::Headers, 5, 1, block))}, 10).lines,
            Lines{"lost too_long"});
}

TEST(Http2DecoderTest, BoundsTheOpenStreams) {
  http::HpackDeflater deflater;
  std::string flood = std::string(http::kHttp2Preface) + kSettings;
  for (std::uint32_t i = 0; i < 1100; ++i) {
    const http::HeaderField fields[] = {{":method", "GET"}, {":path", "/"}};
    std::string block;
    deflater.deflate(fields, block);
    flood += frame(http::FrameType::Headers, 5, 2 * i + 1, block);
  }
  const test::EventLog log = test::playWhole(maker(), {client(flood)});
  EXPECT_EQ(log.of("head").size(), StreamTable::kMost);
  EXPECT_EQ(log.of("lost"), Lines{"lost buffer_full"});
}

TEST(Http2DecoderTest, SkipsDataFrames) {
  test::EventLog log;
  const auto decoder = makeHttp2Decoder(log, DecoderContext());
  std::string said =
      std::string(http::kHttp2Preface) + kSettings + frame(http::FrameType::Data, 0, 1, std::string(16000, 'x'));
  said.resize(said.size() - 15000);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(said.data()), said.size());
  EXPECT_EQ(decoder->feed(Direction::Upstream, bytes, Monotonic()), 15000u);
}

TEST(Http2DecoderTest, TakesOverAfterAnUpgradeFromHttp1) {
  http::HpackDeflater deflater;
  std::string answer;
  const http::HeaderField status[] = {{":status", "200"}};
  deflater.deflate(status, answer);
  const auto makeHttp1 = [](DecoderEvents& events) { return makeHttp1Decoder(events, DecoderContext()); };
  const Transcript transcript{
      client("GET /up?x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
             "AAMAAABk\r\n\r\n"),
      server("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + kSettings),
      client(std::string(http::kHttp2Preface) + kSettings),
      server(frame(http::FrameType::Headers, 4, 1, answer) + frame(http::FrameType::Data, 1, 1, "body"))};
  const Lines lines = test::playEverySplit(makeHttp1, transcript).lines;
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[2], "protocol http2");
  EXPECT_EQ(lines[3], "exchange ok 200 GET /up 3/3");
}

}  // namespace
}  // namespace loam::decode
