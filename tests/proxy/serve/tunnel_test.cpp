#include "tests/proxy/serve/serve_fixture.h"

namespace loam::serve {
namespace {

using relay::CloseReason;

class ServeTunnelTest : public ServeFixture {
 protected:
  /// What each side says now reaches the other as it is, until both have ended.
  void expectTunnel(const std::string& saidByClient, const std::string& saidByServer) {
    const std::string up = saidByClient + std::string("\0\xff up", 5);
    const std::string down = saidByServer + std::string("\0\xff down", 7);
    say(*client, std::string("\0\xff up", 5), true);
    say(*server, std::string("\0\xff down", 7), true);
    turnUntil([&] { return clientOver && serverOver && reason.has_value(); });
    EXPECT_EQ(heardByServer(), up);
    EXPECT_EQ(heardByClient(), down);
    EXPECT_EQ(*reason, CloseReason::Finished);
    EXPECT_EQ(progress.upstreamBytes, up.size());
    EXPECT_EQ(progress.downstreamBytes, down.size());
  }
};

TEST_F(ServeTunnelTest, AWebSocketIsATunnelWithWhatCameAlong) {
  const std::string request = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  say(*client, request);
  expectAtServer(request);
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi";
  say(*server, answer);
  expectAtClient(answer);
  EXPECT_EQ(counters.tunnels.get(), 1u);
  expectTunnel(request, answer);
}

TEST_F(ServeTunnelTest, ConnectIsATunnelWhereTheServerSaysSo) {
  const std::string request = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";
  say(*client, request);
  expectAtServer(request);
  say(*server, "HTTP/1.1 200 OK\r\n\r\n");
  expectAtClient("HTTP/1.1 200 OK\r\n\r\n");
  expectTunnel(request, "HTTP/1.1 200 OK\r\n\r\n");
}

TEST_F(ServeTunnelTest, TlsOnAPortThatIsServedIsRelayed) {
  say(*client, "\x16\x03\x01");
  expectAtServer("\x16\x03\x01");
  EXPECT_EQ(counters.foreign.get(), 1u);
  expectTunnel("\x16\x03\x01", "");
}

TEST_F(ServeTunnelTest, Http2IsRelayed) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  say(*client, preface);
  expectAtServer(preface);
  expectTunnel(preface, "");
}

TEST_F(ServeTunnelTest, AServerThatSpeaksFirstIsRelayed) {
  say(*server, "220 ready\r\n");
  expectAtClient("220 ready\r\n");
  expectTunnel("", "220 ready\r\n");
}

TEST_F(ServeTunnelTest, AnotherProtocolIsCutWhereTheSettingsSaySo) {
  settings.onMismatch = filters::ServeSettings::Mismatch::Refuse;
  say(*client, "\x16\x03\x01");
  turnUntil([&] { return clientOver && serverOver && reason.has_value(); });
  EXPECT_TRUE(clientError.has_value());
  EXPECT_EQ(heardByServer(), "");
}

}  // namespace
}  // namespace loam::serve
