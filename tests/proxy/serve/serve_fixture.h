#pragma once

#include <string>
#include <string_view>

#include "proxy/serve/serving.h"
#include "tests/proxy/relay/relay_fixture.h"

namespace loam::serve {

/// Nothing but the server that is there.
class StraightAhead : public Ways {
 public:
  Way now() override { return {}; }
  io::Task<Result<std::unique_ptr<Connection>>> dial(std::optional<SocketAddress>, bool, Monotonic) override {
    co_return fail(ErrorCode::Refused, "nobody is there", ErrorOrigin::Upstream);
  }
  void keep(std::unique_ptr<Connection>) override {}
};

/// A client and a server that are played by the test, with a served connection between them, all on one loop.
class ServeFixture : public relay::RelayFixture {
 protected:
  void SetUp() override {
    RelayFixture::SetUp();
    start();
    scope.spawn(receive(*server, atServer, serverError, serverOver));
    scope.spawn(receive(*client, atClient, clientError, clientOver));
  }
  void TearDown() override { scope.cancelAll(); }  // before what its tasks use
  io::Task<relay::CloseReason> carry() override {
    Serving serving(shared, settings, ways(), *downstream, firstServer(), tap, progress);
    co_return co_await serving.run();
  }

  /// Nothing but the server, unless a test has filters.
  virtual Ways& ways() { return straight; }
  /// The server that was dialled when the client came.
  virtual std::optional<relay::Leg> firstServer() { return *upstream; }

  void say(io::Socket& by, std::string_view text, bool thenEnd = false) {
    scope.spawn(send(by, {text.begin(), text.end()}, thenEnd));
  }
  std::string heardByServer() const { return {atServer.begin(), atServer.end()}; }
  std::string heardByClient() const { return {atClient.begin(), atClient.end()}; }
  /// Until the server has heard exactly this.
  void expectAtServer(std::string_view text) {
    turnUntil([&] { return atServer.size() >= text.size(); });
    EXPECT_EQ(heardByServer(), text);
  }
  void expectAtClient(std::string_view text) {
    turnUntil([&] { return atClient.size() >= text.size(); });
    EXPECT_EQ(heardByClient(), text);
  }
  /// The client is told `status` and why, in an answer that ends the connection, and so does he.
  void expectRefused(int status, std::string_view why) {
    turnUntil([&] { return clientOver; });
    ::shutdown(client->fd(), SHUT_WR);
    const std::string answer = heardByClient();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ")) << answer;
    EXPECT_NE(answer.find("details=\"" + std::string(why) + "\""), std::string::npos) << answer;
    EXPECT_NE(answer.find("\r\nconnection: close\r\n"), std::string::npos);
    EXPECT_FALSE(clientError) << clientError->describe();
  }

  std::vector<std::uint8_t> atServer, atClient;
  std::optional<Error> serverError, clientError;
  bool serverOver = false, clientOver = false;
  filters::ServeSettings settings;
  Counters counters;
  filter::Tally tally;
  filter::NoVerdicts verdicts;
  Resources shared{.relay = *resources, .counters = counters, .tally = tally, .verdicts = verdicts};
  StraightAhead straight;
};

}  // namespace loam::serve
