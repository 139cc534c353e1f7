#include "shadow/decode/tls_decoder.h"

#include <gtest/gtest.h>

#include "tests/support/tls_peers.h"
#include "tests/support/transcript.h"

namespace loam::decode {
namespace {

using test::client;
using test::server;
using test::TlsPeers;
using test::Transcript;
using Lines = std::vector<std::string>;

const std::string kOffer("\x02h2\x08http/1.1", 12);

Lines decoded(const Transcript& transcript) {
  const auto make = [](DecoderEvents& events) { return makeTlsDecoder(events, DecoderContext()); };
  return test::playEverySplit(make, transcript, 20).lines;
}

std::string version(int wire) { return std::to_string(wire); }

TEST(TlsDecoderTest, ReadsHellosOfTls13) {
  const TlsPeers peers{.serverName = "API.example", .alpn = kOffer};
  EXPECT_EQ(decoded(peers.handshake()), (Lines{"name api.example", "tls " + version(0x0304) + " API.example h2"}));
}

TEST(TlsDecoderTest, WaitsForTheHelloAfterARetry) {
  const TlsPeers peers{.serverName = "a.example", .retry = true};
  const Transcript transcript = peers.handshake();
  EXPECT_GE(transcript.size(), 4u);
  EXPECT_EQ(decoded(transcript), (Lines{"name a.example", "tls " + version(0x0304) + " a.example "}));
}

TEST(TlsDecoderTest, ReadsTheCertificateOfTls12) {
  const TlsPeers peers{.version = TLS1_2_VERSION, .serverName = "db.example", .alpn = kOffer};
  EXPECT_EQ(decoded(peers.handshake()), (Lines{"name db.example", "tls " + version(0x0303) + " db.example h2",
                                               "certificate CN=db.example, DNS:db.example, DNS:*.db.example"}));
}

TEST(TlsDecoderTest, JoinsMessagesOverManyRecords) {
  const TlsPeers peers{.version = TLS1_2_VERSION, .extraNames = 200, .record = 512};
  const Lines lines = decoded(peers.handshake());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[1].starts_with("certificate CN=db.example, DNS:db.example, DNS:*.db.example, DNS:name-number-0."));
  EXPECT_LE(lines[1].size(), 1040u);
}

TEST(TlsDecoderTest, SeesNoCertificateWhereASessionIsResumed) {
  const TlsPeers peers{.version = TLS1_2_VERSION};
  EXPECT_EQ(decoded(peers.handshake(true)), (Lines{"tls " + version(0x0303) + "  "}));
}

TEST(TlsDecoderTest, TurnsOpaqueOnceItKnows) {
  for (const int tls : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Transcript transcript = TlsPeers{.version = tls}.handshake();
    test::EventLog log;
    const auto decoder = makeTlsDecoder(log, DecoderContext());
    for (std::size_t i = 0; i < 2; ++i) {
      const std::string& bytes = transcript[i].bytes;
      EXPECT_EQ(decoder->feed(transcript[i].direction,
                              {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, Monotonic()),
                Decoder::kOpaque);
    }
  }
}

TEST(TlsDecoderTest, EndsQuietlyOnAnAlert) {
  Transcript transcript{TlsPeers{.serverName = "a.example"}.handshake()[0]};
  transcript.push_back(server(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)));
  EXPECT_EQ(decoded(transcript), Lines{"name a.example"});
}

TEST(TlsDecoderTest, GivesUpOnBrokenHellos) {
  const std::string head("\x16\x03\x01\x00\x08\x01\x00\x00\x04", 9);
  EXPECT_EQ(decoded({client(head + "\x03\x03zz")}), Lines{"lost malformed"});
  EXPECT_EQ(decoded({client(std::string("\x16\x02\x01\x00\x01", 5))}), Lines{"lost malformed"});
  std::string endless;
  for (int i = 0; i < 5; ++i)
    endless += std::string("\x16\x03\x01\x40\x00", 5) + std::string("\x01\xff\xff\xff", 4) + std::string(16380, 'x');
  EXPECT_EQ(decoded({client(endless)}), Lines{"lost too_long"});
}

TEST(TlsDecoderTest, MatchesItsFirstBytesOnly) {
  const auto match = [](std::string_view text, Direction first = Direction::Upstream) {
    return matchTls(first, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, DecoderContext());
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(match("\x16\x03"sv), Match::NeedMore);
  EXPECT_EQ(match("\x16\x03\x01\x02\x00\x01"sv), Match::Yes);
  EXPECT_EQ(match("\x16\x03\x01\x02\x00\x02"sv), Match::No);
  EXPECT_EQ(match("\x16\x03\x01\xff\x00\x01"sv), Match::No);
  EXPECT_EQ(match("\x17"sv), Match::No);
  EXPECT_EQ(match("\x16\x03\x01\x02\x00\x01"sv, Direction::Downstream), Match::No);
}

}  // namespace
}  // namespace loam::decode
