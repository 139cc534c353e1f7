#include "tests/proxy/serve/serve_fixture.h"

namespace loam::serve {
namespace {

using relay::CloseReason;

class ServeExchangeTest : public ServeFixture {};

constexpr std::string_view kGet = "GET /a?b=1 HTTP/1.1\r\nhOsT:  shop \r\nX-ODD:\t1\r\nx-odd:2\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 Fine\r\nContent-LENGTH: 2\r\nX-a:b\r\n\r\nok";

TEST_F(ServeExchangeTest, HeadsAndBodiesGoOnAsTheyCame) {
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kOk);
  expectAtClient(kOk);
  EXPECT_EQ(counters.requests.get(), 1u);
}

TEST_F(ServeExchangeTest, KeepAliveServesOneRequestAfterTheOther) {
  for (int i = 1; i <= 3; ++i) {
    say(*client, kGet);
    turnUntil([&] { return atServer.size() == kGet.size() * static_cast<std::size_t>(i); });
    say(*server, kOk);
    turnUntil([&] { return atClient.size() == kOk.size() * static_cast<std::size_t>(i); });
  }
  EXPECT_EQ(counters.requests.get(), 3u);
  EXPECT_FALSE(reason.has_value());
}

TEST_F(ServeExchangeTest, PipelinedRequestsAreForwardedOneByOne) {
  say(*client, std::string(kGet) + std::string(kGet));
  expectAtServer(kGet);
  for (int i = 0; i < 20; ++i) loop->turn(milliseconds(1));
  EXPECT_EQ(atServer.size(), kGet.size());  // the second waits for the first one's answer
  say(*server, kOk);
  turnUntil([&] { return atServer.size() == 2 * kGet.size(); });
  say(*server, kOk);
  expectAtClient(std::string(kOk) + std::string(kOk));
}

TEST_F(ServeExchangeTest, AHeadMayComeByteByByte) {
  const std::string text = "\r\n" + std::string(kGet);  // also the line end that old clients send before it
  scope.spawn([](io::Socket& socket, io::EventLoop& turns, const std::string& bytes) -> io::Task<void> {
    for (const char& c : bytes) {
      const Status sent = co_await io::writeAll(socket, std::span(reinterpret_cast<const std::uint8_t*>(&c), 1));
      if (!sent) co_return;
      co_await turns.yield();
    }
  }(*client, *loop, text));
  expectAtServer(kGet);
  EXPECT_EQ(counters.foreign.get(), 0u);
}

TEST_F(ServeExchangeTest, BodiesOfEveryFramingGoBothWays) {
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n0\r\nT: v\r\n\r\n";
  say(*client, chunked);
  expectAtServer(chunked);
  const std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  say(*server, answer);
  expectAtClient(answer);
  say(*client, kGet);
  turnUntil([&] { return atServer.size() == chunked.size() + kGet.size(); });
  const std::string last = "HTTP/1.0 200 OK\r\n\r\nuntil the end";
  say(*server, last, true);
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(heardByClient(), answer + last);
  EXPECT_FALSE(clientError);
}

TEST_F(ServeExchangeTest, LargeBodiesPassUnchangedAndAreShownToTheTap) {
  const auto bytes = noise(3'000'000, 3);
  const std::string body(bytes.begin(), bytes.end());
  const std::string request = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + body;
  say(*client, request);
  turnUntil([&] { return atServer.size() == request.size(); });
  EXPECT_TRUE(heardByServer() == request);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + body;
  say(*server, answer);
  turnUntil([&] { return atClient.size() == answer.size(); });
  EXPECT_TRUE(heardByClient() == answer);
  EXPECT_EQ(tap.seen[0].size(), request.size());
  EXPECT_EQ(tap.seen[1].size(), answer.size());
}

TEST_F(ServeExchangeTest, AHeadForWhichTheServerHasNoRoomYetGoesOutWhenItHas) {
  scope.cancelAll();  // nobody reads at the server
  atServer.clear();
  RelayFixture::SetUp();
  const int small = 4'096;
  ::setsockopt(upstream->fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  ::setsockopt(server->fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  settings.maxHead = 1 << 20;
  start();
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(120'000, 'x') + "\r\n\r\n";
  say(*client, request);
  turnUntil([&] { return counters.requests.get() == 1; });
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  turnUntil([&] { return atServer.size() == request.size(); });
  EXPECT_TRUE(heardByServer() == request);
}

TEST_F(ServeExchangeTest, AsManyFieldsPassAsTheSettingsAllow) {
  scope.cancelAll();
  RelayFixture::SetUp();
  settings.maxFields = 1'000;
  start();
  scope.spawn(receive(*server, atServer, serverError, serverOver));
  std::string request = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 1; i < 1'000; ++i) request += "X: y\r\n";
  request += "\r\n";
  say(*client, request);
  expectAtServer(request);
}

TEST_F(ServeExchangeTest, AnAnswerMayComeBeforeTheRequestIsWhole) {
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  turnUntil([&] { return heardByServer().ends_with("12345"); });
  say(*server, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(heardByClient(), "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");  // and no other request may follow
}

TEST_F(ServeExchangeTest, ContinueIsPassedOnBeforeTheBody) {
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  turnUntil([&] { return heardByServer().ends_with("\r\n\r\n"); });
  say(*server, "HTTP/1.1 100 Continue\r\n\r\n");
  expectAtClient("HTTP/1.1 100 Continue\r\n\r\n");
  say(*client, "hi");
  turnUntil([&] { return heardByServer().ends_with("hi"); });
  say(*server, kOk);
  turnUntil([&] { return heardByClient().ends_with("ok"); });
  EXPECT_FALSE(reason.has_value());
}

TEST_F(ServeExchangeTest, HeadAnd304HaveNoBodyWhateverTheirLengthSays) {
  say(*client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  turnUntil([&] { return !atServer.empty(); });
  say(*server, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  turnUntil([&] { return heardByClient().ends_with("\r\n\r\n"); });
  say(*client, kGet);
  turnUntil([&] { return heardByServer().ends_with(kGet); });
  say(*server, "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n");
  turnUntil([&] { return heardByClient().ends_with("304 Not Modified\r\nContent-Length: 1000\r\n\r\n"); });
  EXPECT_FALSE(reason.has_value());
}

TEST_F(ServeExchangeTest, AnHttp10ClientThatEndsItsSideIsAnswered) {
  say(*client, "GET / HTTP/1.0\r\n\r\n", true);
  expectAtServer("GET / HTTP/1.0\r\n\r\n");
  say(*server, "HTTP/1.0 200 OK\r\n\r\nold", true);
  turnUntil([&] { return clientOver && reason.has_value(); });
  EXPECT_EQ(heardByClient(), "HTTP/1.0 200 OK\r\n\r\nold");
  EXPECT_EQ(*reason, CloseReason::Finished);
}

TEST_F(ServeExchangeTest, AnEndBetweenRequestsIsAnEndOnTheOtherSide) {
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kOk, true);
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(heardByClient(), kOk);
  EXPECT_FALSE(clientError);
}

}  // namespace
}  // namespace loam::serve
