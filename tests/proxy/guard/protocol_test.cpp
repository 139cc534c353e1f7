#include "proxy/guard/protocol.h"

#include <gtest/gtest.h>

#include <random>

namespace loam::guard {
namespace {

using namespace protocol;

CaptureSettings everything() {
  CaptureSettings settings;
  settings.outbound = settings.inbound = true;
  settings.inboundPorts = {80, 443};
  settings.includePorts = {8080};
  settings.excludePorts = {22};
  settings.includeAddresses = {*Cidr::parse("10.0.0.0/8")};
  settings.excludeAddresses = {*Cidr::parse("fd00::/8"), *Cidr::parse("10.1.1.1")};
  settings.includeUsers = {1000};
  settings.excludeUsers = {33, 4294967294u};
  settings.dnsAnswers = false;
  settings.notrackOwn = true;
  return settings;
}

std::vector<Request> everyRequest() {
  return {Attach{3},
          Engage{},
          Release{},
          Release{true},
          Bypass{*SocketAddress::parse("[2001:db8::1]:443"), 60},
          Facts{},
          Apply{everything(), true},
          Show{},
          Remove{true},
          KeepClosed{{{*SocketAddress::parse("10.0.0.1:80"), {}},
                      {*SocketAddress::parse("[fd00::1]:0"), *IpAddress::parse("fd00::9")}},
                     true}};
}

TEST(ProtocolTest, RequestsSurviveTheWay) {
  for (const Request& request : everyRequest()) {
    const auto back = decodeRequest(encode(request));
    ASSERT_TRUE(back) << request.index();
    EXPECT_EQ(back->index(), request.index());
    EXPECT_EQ(encode(*back), encode(request));
  }
  const auto apply = decodeRequest(encode(Request(Apply{everything(), true})));
  EXPECT_EQ(std::get<Apply>(*apply).settings, everything());
  EXPECT_TRUE(std::get<Apply>(*apply).dryRun);
}

TEST(ProtocolTest, AnswersSurviveTheWay) {
  Attached attached{4, 4, {1, 2, false, "no CAP_NET_RAW"}};
  EXPECT_EQ(encode(*decodeAttached(encode(attached))), encode(attached));
  HostFacts facts;
  facts.sockets.resize(2);
  facts.sockets[0] = {*SocketAddress::parse("10.0.0.1:80"),
                      *SocketAddress::parse("10.0.0.2:999"),
                      false,
                      33,
                      7,
                      12345678901ull,
                      42,
                      "nginx",
                      "nginx.service"};
  facts.sockets[1].listening = true;
  facts.dns.push_back({"db.internal", *IpAddress::parse("10.0.0.9"), 60});
  EXPECT_EQ(encode(*decodeFacts(encode(facts))), encode(facts));
  EXPECT_EQ(decodeFacts(encode(facts))->sockets[0].exe, "nginx");
  CaptureView view;
  view.applied = true;
  view.rules = "table inet loam";
  view.closed = {{*SocketAddress::parse("10.0.0.1:80"), *IpAddress::parse("10.0.0.9")}};
  view.settings = everything();
  EXPECT_EQ(encode(*decodeView(encode(view))), encode(view));
  EXPECT_EQ(decodeView(encode(view))->settings, everything());
  EXPECT_EQ(decodeRemoval(encode(Removal{true, 7, 3}))->relayed, 7u);
  EXPECT_EQ(decodeRemoval(encode(Removal{true, 7, 3}))->opened, 3u);
  EXPECT_TRUE(*decodeHolds(encodeHolds(true)));
  EXPECT_FALSE(*decodeHolds(encodeHolds(false)));
  EXPECT_TRUE(decodeDeparture(encode(Departure{true}))->succeeded);
  EXPECT_FALSE(decodeDeparture(encode(Departure{}))->succeeded);
}

TEST(ProtocolTest, LargeAnswersComeInParts) {
  const std::string body(5 * kMostPacket + 17, 'x');
  std::string collected;
  const auto packets = answer(body);
  ASSERT_EQ(packets.size(), 6u);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_LE(packets[i].size(), kMostPacket + 1);
    const auto whole = collect(packets[i], collected);
    ASSERT_TRUE(whole);
    EXPECT_EQ(*whole, i + 1 == packets.size());
  }
  EXPECT_EQ(collected, body);
  EXPECT_EQ(answer(std::string_view()).size(), 1u);
}

TEST(ProtocolTest, ErrorsKeepTheirCodeAndWords) {
  std::string body;
  const auto failed = collect(answer(Error{ErrorCode::Conflict, "another proxy"}).front(), body);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::Conflict);
  EXPECT_EQ(failed.error().context, "another proxy");
}

TEST(ProtocolTest, TruncatedAndLengthenedPacketsAreRefused) {
  for (const Request& request : everyRequest()) {
    const std::string packet = encode(request);
    for (std::size_t size = 0; size < packet.size(); ++size) EXPECT_FALSE(decodeRequest(packet.substr(0, size)));
    EXPECT_FALSE(decodeRequest(packet + "x"));
  }
}

TEST(ProtocolTest, UnknownKindsVersionsAndFlagsAreRefused) {
  ASSERT_TRUE(decodeRequest(std::string("\x04\x00\x00\x01", 4)));
  EXPECT_FALSE(decodeRequest(std::string("\x01\x00\x00\x01", 4)));
  EXPECT_FALSE(decodeRequest(std::string("\x04\x09", 2)));
  ASSERT_TRUE(decodeRequest(std::string("\x04\x07\x01", 3)));
  EXPECT_FALSE(decodeRequest(std::string("\x04\x07\x02", 3)));
  std::string body;
  EXPECT_FALSE(collect("", body));
  EXPECT_FALSE(collect("\x07", body));
}

TEST(ProtocolTest, ACountThatThePacketCannotHoldAllocatesNothing) {
  std::string packet = encode(Request(Apply{}));
  packet.replace(4, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(decodeRequest(packet));
}

TEST(ProtocolTest, RandomBytesAreRefusedOrAreARequest) {
  std::mt19937 random(7);
  for (int round = 0; round < 100000; ++round) {
    std::string packet(random() % 64, '\0');
    for (char& byte : packet) byte = static_cast<char>(random() % (round % 2 ? 256 : 4));
    if (packet.size() > 1) packet[0] = 4, packet[1] = static_cast<char>(random() % 9);
    const auto request = decodeRequest(packet);
    if (request && !std::holds_alternative<Apply>(*request)) {
      EXPECT_EQ(encode(*request), packet);
    }
    (void)decodeFacts(packet);
    (void)decodeView(packet);
  }
}

}  // namespace
}  // namespace loam::guard
