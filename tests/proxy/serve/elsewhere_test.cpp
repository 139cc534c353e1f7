#include "tests/proxy/serve/repeated_fixture.h"

namespace loam::serve {
namespace {

/// Sends everything to one address instead of where the client wanted to go.
class Elsewhere final : public filter::HttpFilter {
 public:
  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override {
    exchange.server = *SocketAddress::parse("10.0.0.9:80");
    return next(exchange);
  }
};

class ServeElsewhereTest : public ServeRepeatedTest {
 protected:
  /// One exchange went elsewhere; the connection to its server is kept, and the server has cut it.
  void keepOneThatGoes() {
    filters.push_back(std::make_unique<const Elsewhere>());
    say(*client, kGet);
    answerFrom(0, kGet);
    expectAtClient(kAnswered);
    turnUntil([&] { return kept.size() == 1; });
    relay::cut(*later[0].socket);
  }
};

TEST_F(ServeElsewhereTest, ExchangesThatGoElsewhereLeaveTheClientsOwnServerAlone) {
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kPost);
  answerFrom(0, kPost);
  expectAtClient(kAnswered);
  EXPECT_EQ(later[0].asked, *SocketAddress::parse("10.0.0.9:80"));
  turnUntil([&] { return kept.size() == 1; });
  filters.clear();
  say(*client, kGet);
  expectAtServer(kGet);
  say(*server, kAnswered);
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kGet);
  answerFrom(0, std::string(kPost) + std::string(kGet));
  expectAtClient(std::string(kAnswered) + std::string(kAnswered) + std::string(kAnswered));
  EXPECT_EQ(dials, 1u) << "what was kept is used again";
  EXPECT_EQ(seenByTap(), heardByClient());
}

TEST_F(ServeElsewhereTest, AClientsOwnServerThatWasNeverAskedMayLeave) {
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kGet);
  answerFrom(0, kGet);
  expectAtClient(kAnswered);
  say(*server, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", true);
  turnUntil([&] { return serverOver; });
  say(*client, kGet);
  answerFrom(0, std::string(kGet) + std::string(kGet));
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
  filters.clear();
  say(*client, kPost);
  answerFrom(1, kPost);
  expectAtClient(std::string(kAnswered) + std::string(kAnswered) + std::string(kAnswered));
}

TEST_F(ServeElsewhereTest, AKeptServerThatHasGoneIsReplacedUnseenWhereTheRequestMayBeDoneTwice) {
  keepOneThatGoes();
  say(*client, kGet);
  answerFrom(1, kGet);
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
}

TEST_F(ServeElsewhereTest, G1_APostOverAKeptServerThatHasGoneIsNotSentTwice) {
  keepOneThatGoes();
  say(*client, kPost);
  turnUntil([&] { return clientOver; });
  EXPECT_NE(heardByClient().find("HTTP/1.1 502 Bad Gateway\r\n"), std::string::npos);
  EXPECT_EQ(dials, 1u);
}

TEST_F(ServeElsewhereTest, WhatAServerElsewhereSaysTooMuchIsNotKept) {
  filters.push_back(std::make_unique<const Elsewhere>());
  say(*client, kGet);
  answerFrom(0, kGet, std::string(kAnswered) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  expectAtClient(kAnswered);
  say(*client, kGet);
  answerFrom(1, kGet);
  expectAtClient(std::string(kAnswered) + std::string(kAnswered));
}

TEST_F(ServeElsewhereTest, AServerThatDoesNotTakeTheRequestIsToBlameForIt) {
  filters.push_back(std::make_unique<const Elsewhere>());
  settings.stallTimeout = milliseconds(200);
  isDeaf = true;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n";
  say(*client, head + std::string(33'554'432, 'x'));
  turnUntil([&] { return clientOver; });
  EXPECT_TRUE(heardByClient().starts_with("HTTP/1.1 504 ")) << heardByClient();
  EXPECT_NE(heardByClient().find("answer_stalled"), std::string::npos);
}

TEST_F(ServeElsewhereTest, AClientThatDoesNotSendItIs) {
  filters.push_back(std::make_unique<const Elsewhere>());
  settings.stallTimeout = milliseconds(200);
  say(*client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
  expectRefused(408, "request_stalled");
}

/// Answers by itself where a first sending failed.
class GivesUp final : public filter::HttpFilter {
 public:
  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override {
    auto came = co_await next(exchange);
    if (came) co_return std::move(came);
    co_return filter::Response::of({.status = 503, .cause = "test", .body = "no\n"});
  }
};

TEST_F(ServeElsewhereTest, ABodyOfWhichAServerHadSomeIsNotTakenForTheNextRequest) {
  filters.push_back(std::make_unique<const GivesUp>());
  filters.push_back(std::make_unique<const Elsewhere>());
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70\r\n\r\n";
  say(*client, head + "half");
  turnUntil([&] { return later.size() == 1 && later[0].text() == head + "half"; });
  relay::cut(*later[0].socket);
  turnUntil([&] { return heardByClient().ends_with("no\n"); });
  EXPECT_NE(heardByClient().find("\r\nconnection: close\r\n"), std::string::npos);
  say(*client, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(66, 'x'));
  turnUntil([&] { return clientOver; });
  EXPECT_EQ(dials, 1u);
}

TEST_F(ServeElsewhereTest, ATunnelGoesOnWithTheServerThatItBeganWith) {
  filters.push_back(std::make_unique<const Elsewhere>());
  const std::string_view upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  const std::string_view switched =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  say(*client, upgrade);
  answerFrom(0, upgrade, switched);
  expectAtClient(switched);
  say(*client, "ping");
  turnUntil([&] { return later[0].text().ends_with("ping"); });
  say(*later[0].socket, "pong");
  turnUntil([&] { return heardByClient().ends_with("pong"); });
}

}  // namespace
}  // namespace loam::serve
