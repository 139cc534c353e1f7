#include "shadow/decode/banner.h"

#include <random>

#include "tests/shadow/decode/mysql_packets.h"
#include "tests/shadow/decode/postgres_messages.h"
#include "tests/shadow/decode/transcript.h"

namespace loam::decode::testing {
namespace {

using MatchFunction = Match (*)(Direction, std::span<const std::uint8_t>, const DecoderContext&);

std::string bytes(const char* text, std::size_t size) { return {text, size}; }

struct Opening {
  const char* what;
  Protocol protocol;
  Direction first;
  std::string bytes;
};

std::vector<Opening> openings() {
  const Direction client = Direction::Upstream;
  const Direction server = Direction::Downstream;
  const std::string bind = bytes("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", 14);
  const std::string longBind =
      bytes("\x30\x84\x00\x00\x00\x10\x02\x01\x01\x60\x84\x00\x00\x00\x07\x02\x01\x03\x04\x00\x80\x00", 22);
  const std::string startTls = bytes("\x30\x1d\x02\x01\x01\x77\x18\x80\x16", 9) + "1.3.6.1.4.1.1466.20037";
  const std::string apiVersions = bytes("\0\0\0\x1a\0\x12\0\3\0\0\0\1\0\7rdkafka\0", 22);
  const std::string bareVersions = bytes("\0\0\0\x0a\0\x12\0\0\0\0\0\0\xff\xff", 14);
  const std::string metadata = bytes("\0\0\0\x16\0\3\0\1\0\0\0\1\0\4test\xff\xff\xff\xff", 22);
  const std::string hello =
      my::le(60, 4) + my::le(1, 4) + my::le(0, 4) + my::le(2004, 4) + my::le(4, 4) + bytes("admin.$cmd\0", 11);
  const std::string message =
      my::le(60, 4) + my::le(1, 4) + my::le(0, 4) + my::le(2013, 4) + my::le(0, 4) + bytes("\0", 1);
  return {{"ssh server", Protocol::Ssh, server, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"},
          {"ssh client", Protocol::Ssh, client, "SSH-1.99-x\r\n"},
          {"postfix", Protocol::Smtp, server, "220 mail.example.org ESMTP Postfix\r\n"},
          {"many lines", Protocol::Smtp, server, "220-mail.example.org Smtp ready\r\n220 go\r\n"},
          {"bind", Protocol::Ldap, client, bind},
          {"long bind", Protocol::Ldap, client, longBind},
          {"ldap starttls", Protocol::Ldap, client, startTls},
          {"api versions", Protocol::Kafka, client, apiVersions},
          {"api versions without a name", Protocol::Kafka, client, bareVersions},
          {"metadata", Protocol::Kafka, client, metadata},
          {"amqp 0-9-1", Protocol::Amqp, client, bytes("AMQP\0\0\x09\x01", 8)},
          {"amqp 1.0 sasl", Protocol::Amqp, client, bytes("AMQP\x03\x01\0\0", 8)},
          {"mongo hello", Protocol::Mongodb, client, hello},
          {"mongo message", Protocol::Mongodb, client, message},
          {"ftp", Protocol::Tcp, server, "220 ProFTPD Server ready\r\n"},
          {"ftp of an smtp host", Protocol::Tcp, server, "220 smtp.example.org FTP server\r\n"},
          {"220 of nobody", Protocol::Tcp, server, "220 hello\r\n"},
          {"220 without an end", Protocol::Tcp, server, "220 " + std::string(600, 'x')},
          {"snmp", Protocol::Tcp, client, bytes("\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x04", 17)},
          {"search", Protocol::Tcp, client, bytes("\x30\x25\x02\x01\x02\x63\x20\x04\x00\x0a\x01\x00", 12)},
          {"kafka key nobody starts with", Protocol::Tcp, client, bytes("\0\0\0\x1a\0\x30\0\3\0\0\0\1\0\7rdkafka", 21)},
          {"kafka with a binary name", Protocol::Tcp, client, bytes("\0\0\0\x1a\0\x12\0\3\0\0\0\1\0\7rd\1kafk", 21)},
          {"amqp of no version", Protocol::Tcp, client, bytes("AMQP\x09\0\0\0", 8)},
          {"mongo reply", Protocol::Tcp, client,
           my::le(60, 4) + my::le(1, 4) + my::le(7, 4) + my::le(2013, 4) + my::le(0, 5)},
          {"mongo query of no command", Protocol::Tcp, client,
           my::le(60, 4) + my::le(1, 4) + my::le(0, 4) + my::le(2004, 4) + my::le(4, 4) + bytes("shop.items\0", 11)}};
}

struct Named {
  Protocol protocol;
  MatchFunction match;
};
constexpr Named kNamed[] = {{Protocol::Ssh, matchSsh},   {Protocol::Smtp, matchSmtp},
                            {Protocol::Ldap, matchLdap}, {Protocol::Kafka, matchKafka},
                            {Protocol::Amqp, matchAmqp}, {Protocol::Mongodb, matchMongodb}};

TEST(BannerTest, EachOpeningIsClaimedByItsProtocolAlone) {
  for (const Opening& opening : openings()) {
    for (const Named& named : kNamed) {
      const std::string said = matchEveryPrefix(named.match, opening.first, opening.bytes);
      EXPECT_EQ(said.back(), named.protocol == opening.protocol ? 'Y' : 'X')
          << opening.what << " " << name(named.protocol) << " " << said;
    }
  }
}

TEST(BannerTest, AnAnswerStaysTheSameWithMoreBytes) {
  for (const Opening& opening : openings()) {
    for (const Named& named : kNamed) {
      const std::string said = matchEveryPrefix(named.match, opening.first, opening.bytes + std::string(40, 'z'));
      const std::size_t decided = said.find_first_of("XY");
      ASSERT_NE(decided, std::string::npos);
      EXPECT_EQ(said.find_first_not_of(said[decided], decided), std::string::npos) << opening.what << " " << said;
    }
  }
}

TEST(BannerTest, TheOtherSideDoesNotSayIt) {
  for (const Opening& opening : openings()) {
    for (const Named& named : kNamed) {
      if (named.protocol == Protocol::Ssh) continue;
      EXPECT_EQ(matchEveryPrefix(named.match, relay::opposite(opening.first), opening.bytes).back(), 'X')
          << opening.what;
    }
  }
}

TEST(BannerTest, RandomBytesAreNobodys) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::uint8_t> noise(64);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
    for (const Recogniser& recogniser : recognisers()) {
      for (const Direction first : {Direction::Upstream, Direction::Downstream}) {
        EXPECT_NE(recogniser.match(first, noise, {}), Match::Yes) << name(recogniser.protocol);
      }
    }
  }
}

TEST(BannerTest, TheDetectorNamesThem) {
  const std::vector<Opening> own = openings();
  for (const Opening& opening : own) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
      const Seen seen = played(makeDetector, {{opening.first, opening.bytes}}, {step, true, 0});
      ASSERT_EQ(seen.log, std::vector<std::string>{"protocol " + std::string(name(opening.protocol))}) << opening.what;
    }
  }
}

TEST(BannerTest, TheDetectorTellsDatabasesApart) {
  const auto protocolOf = [](const Transcript& transcript) {
    return played(makeDetector, transcript, {1, true, 0}).log.at(0);
  };
  EXPECT_EQ(protocolOf({client(pg::startup())}), "protocol postgres");
  EXPECT_EQ(protocolOf({client(pg::sslRequest())}), "protocol postgres");
  EXPECT_EQ(protocolOf({server(my::greeting(my::kPlain))}), "protocol mysql");
  EXPECT_EQ(protocolOf({client("*1\r\n$4\r\nPING\r\n")}), "protocol redis");
}

}  // namespace
}  // namespace loam::decode::testing
