#include "proxy/guard/dns_message.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace loam::guard {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// "a.bc" as labels.
Bytes labels(const std::string& name) {
  Bytes out;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    out.push_back(static_cast<std::uint8_t>(dot - at));
    out.insert(out.end(), name.begin() + static_cast<long>(at), name.begin() + static_cast<long>(dot));
    at = dot + 1;
  }
  out.push_back(0);
  return out;
}

const Bytes kToQuestion{0xc0, 12};

struct Answer {
  Bytes owner;
  unsigned type;
  Bytes rdata;
};

Bytes message(const std::string& question, unsigned type, const std::vector<Answer>& answers, unsigned flags = 0x8180) {
  Bytes out{0x12, 0x34};
  put16(out, flags);
  put16(out, 1);
  put16(out, static_cast<unsigned>(answers.size()));
  put16(out, 0);
  put16(out, 0);
  const Bytes name = labels(question);
  out.insert(out.end(), name.begin(), name.end());
  put16(out, type);
  put16(out, 1);
  for (const Answer& answer : answers) {
    out.insert(out.end(), answer.owner.begin(), answer.owner.end());
    put16(out, answer.type);
    put16(out, 1);
    put16(out, 0);
    put16(out, 300);
    put16(out, static_cast<unsigned>(answer.rdata.size()));
    out.insert(out.end(), answer.rdata.begin(), answer.rdata.end());
  }
  return out;
}

std::string text(const Result<std::vector<DnsFact>>& facts) {
  if (!facts) return "error";
  std::string out;
  for (const DnsFact& fact : *facts)
    out += fact.name + "=" + fact.address.text() + "/" + std::to_string(fact.ttl) + " ";
  return out;
}

TEST(DnsMessageTest, ReadsAddressesOfBothFamilies) {
  EXPECT_EQ(text(parseDnsAnswer(
                message("db.Internal", 1, {{kToQuestion, 1, {10, 0, 0, 5}}, {kToQuestion, 1, {10, 0, 0, 6}}}))),
            "db.internal=10.0.0.5/300 db.internal=10.0.0.6/300 ");
  Bytes six(16, 0);
  six[0] = 0xfd;
  six[15] = 9;
  EXPECT_EQ(text(parseDnsAnswer(message("db.internal", 28, {{kToQuestion, 28, six}}))), "db.internal=fd00::9/300 ");
}

TEST(DnsMessageTest, FollowsAliasesToTheNameThatWasAsked) {
  EXPECT_EQ(text(parseDnsAnswer(message("www.shop.example", 1,
                                        {{labels("edge.cdn.example"), 1, {192, 0, 2, 7}},
                                         {kToQuestion, 5, labels("lb.shop.example")},
                                         {labels("lb.shop.example"), 5, labels("edge.cdn.example")},
                                         {labels("unrelated.example"), 1, {6, 6, 6, 6}}}))),
            "www.shop.example=192.0.2.7/300 ");
}

TEST(DnsMessageTest, SkipsRecordsOfOtherTypes) {
  EXPECT_EQ(text(parseDnsAnswer(message("a.b", 1, {{kToQuestion, 46, Bytes(90, 7)}, {kToQuestion, 1, {1, 2, 3, 4}}}))),
            "a.b=1.2.3.4/300 ");
  EXPECT_EQ(text(parseDnsAnswer(message("a.b", 1, {}))), "");
}

TEST(DnsMessageTest, RefusesWhatIsNoSuccessfulAddressAnswer) {
  EXPECT_FALSE(parseDnsAnswer({}));
  EXPECT_FALSE(parseDnsAnswer(message("a.b", 1, {{kToQuestion, 1, {1, 2, 3, 4}}}, 0x0100)));  // a query
  EXPECT_FALSE(parseDnsAnswer(message("a.b", 1, {{kToQuestion, 1, {1, 2, 3, 4}}}, 0x8183)));  // NXDOMAIN
  EXPECT_FALSE(parseDnsAnswer(message("a.b", 15, {})));                                       // MX
  EXPECT_FALSE(parseDnsAnswer(message("", 1, {})));
}

TEST(DnsMessageTest, CompressionLoopsEnd) {
  const std::size_t answerAt = message("a.b", 1, {}).size();
  const Bytes toItself{0xc0, static_cast<std::uint8_t>(answerAt)};
  EXPECT_FALSE(parseDnsAnswer(message("a.b", 1, {{toItself, 1, {1, 2, 3, 4}}})));
  const Bytes forward{0xc0, static_cast<std::uint8_t>(answerAt + 2)};
  EXPECT_FALSE(parseDnsAnswer(message("a.b", 1, {{forward, 1, {1, 2, 3, 4}}})));
  // A label and then a pointer back to that label: would grow for ever.
  const Bytes ring{1, 'x', 0xc0, static_cast<std::uint8_t>(answerAt)};
  EXPECT_FALSE(parseDnsAnswer(message("a.b", 1, {{ring, 1, {1, 2, 3, 4}}})));
}

TEST(DnsMessageTest, AliasesInARingEnd) {
  EXPECT_EQ(
      text(parseDnsAnswer(message("a.b", 1, {{kToQuestion, 5, labels("c.d")}, {labels("c.d"), 5, labels("a.b")}}))),
      "");
}

TEST(DnsMessageTest, NamesThatWouldFoolAPersonAreRefused) {
  Bytes packet = message("ab.cd", 1, {{kToQuestion, 1, {1, 2, 3, 4}}});
  for (const std::uint8_t byte : Bytes{0x1b, 0x0a, 0x2e, 0x00, 0x20, 0x7f, 0xff}) {
    Bytes hostile = packet;
    hostile[13] = byte;
    EXPECT_FALSE(parseDnsAnswer(hostile)) << int(byte);
  }
}

TEST(DnsMessageTest, NamesAndCountsAreBounded) {
  std::string name;
  while (name.size() < 300) name += "0123456789.";
  EXPECT_FALSE(parseDnsAnswer(message(name + "x", 1, {})));
  std::vector<Answer> many(500, Answer{kToQuestion, 1, {1, 2, 3, 4}});
  const auto facts = parseDnsAnswer(message("a.b", 1, many));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->size(), 64u);
}

TEST(DnsMessageTest, EveryTruncationAndEveryFlippedByteIsSurvived) {
  const Bytes whole =
      message("www.shop.example", 1,
              {{kToQuestion, 5, labels("lb.shop.example")}, {labels("lb.shop.example"), 1, {192, 0, 2, 7}}});
  ASSERT_TRUE(parseDnsAnswer(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parseDnsAnswer(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)))) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = whole;
      changed[at] = static_cast<std::uint8_t>(value);
      const auto facts = parseDnsAnswer(changed);
      EXPECT_LE(facts ? facts->size() : 0, 2u);
    }
  }
}

Bytes ipv4(const Bytes& payload, unsigned fragment = 0, unsigned options = 0) {
  Bytes out(20 + options, 0);
  out[0] = static_cast<std::uint8_t>(0x40 | (20 + options) / 4);
  out[6] = static_cast<std::uint8_t>(fragment >> 8);
  out[7] = static_cast<std::uint8_t>(fragment);
  out[9] = 17;
  put16(out, 53);
  put16(out, 40000);
  put16(out, static_cast<unsigned>(8 + payload.size()));
  put16(out, 0);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

TEST(DnsMessageTest, FindsThePayloadInIpPackets) {
  const Bytes payload{1, 2, 3};
  EXPECT_EQ(dnsPayload(ipv4(payload)).size(), 3u);
  EXPECT_EQ(dnsPayload(ipv4(payload, 0x4000, 8)).size(), 3u);  // do not fragment, with options
  EXPECT_TRUE(dnsPayload(ipv4(payload, 100)).empty());
  Bytes six(40, 0);
  six[0] = 0x60;
  six[6] = 17;
  const Bytes udp = ipv4(payload);
  six.insert(six.end(), udp.begin() + 20, udp.end());
  EXPECT_EQ(dnsPayload(six).size(), 3u);
  for (std::size_t size = 0; size < six.size() - payload.size(); ++size) {
    EXPECT_TRUE(dnsPayload(Bytes(six.begin(), six.begin() + static_cast<long>(size))).empty());
  }
  Bytes lying = ipv4(payload);
  lying[25] = 200;  // a UDP length beyond the packet
  EXPECT_EQ(dnsPayload(lying).size(), 3u);
  lying[25] = 4;
  EXPECT_TRUE(dnsPayload(lying).empty());
}

}  // namespace
}  // namespace loam::guard
