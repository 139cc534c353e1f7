#include "proxy/http/kept_connection.h"

#include "proxy/io/task_scope.h"
#include "tests/proxy/http/http_fixture.h"

namespace loam::http {
namespace {

io::Task<void> askOver(KeptConnection& connection, io::EventLoop& loop, Request request, Monotonic deadline,
                       Result<Response>& out) {
  out = co_await connection.ask(loop, std::move(request), deadline);
}

class KeptConnectionTest : public HttpFixture {
 protected:
  Target here() const { return {.socketPath = {}, .address = server->address()}; }
  Result<Response> ask(KeptConnection& connection, milliseconds patience = milliseconds(3000)) {
    Result<Response> out = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(askOver(connection, *loop, {.target = "/"}, clock.now() + patience, out));
    turnUntil([&] { return scope.size() == 0; });
    return out;
  }
  static io::Task<Response> never(const Request&) {
    co_await std::suspend_always();
    co_return Response{};
  }
};

TEST_F(KeptConnectionTest, ManyQuestionsGoOverOneConnection) {
  serve();
  KeptConnection connection(here(), {});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ask(connection));
  EXPECT_EQ(server->counters().connections, 1u);
}

TEST_F(KeptConnectionTest, OneThatTheServerClosedIsMadeAnewAtOnce) {
  serve({.idle = milliseconds(20)});
  KeptConnection connection(here(), {});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(ask(connection));
    turnUntil([&] { return server->connections() == 0; });
  }
  EXPECT_EQ(server->counters().connections, 3u);
  EXPECT_EQ(server->counters().requests, 3u);
}

TEST_F(KeptConnectionTest, AnotherVersionIsAskedOverAnotherConnection) {
  serve();
  std::uint64_t version = 1;
  int wrapped = 0;
  Securing securing;
  securing.wrap = [&]() -> Result<io::Wrap> {
    ++wrapped;
    return io::Wrap(io::plainStream);
  };
  securing.version = [&] { return version; };
  KeptConnection connection(here(), securing);
  ASSERT_TRUE(ask(connection));
  ASSERT_TRUE(ask(connection));
  EXPECT_EQ(wrapped, 1);
  version = 2;
  ASSERT_TRUE(ask(connection));
  ASSERT_TRUE(ask(connection));
  EXPECT_EQ(wrapped, 2);
  EXPECT_EQ(server->counters().connections, 2u);
}

TEST_F(KeptConnectionTest, WithoutAWayToSecureItNothingIsConnected) {
  serve();
  KeptConnection connection(here(), {.wrap = []() -> Result<io::Wrap> { return fail(ErrorCode::Denied, "nobody"); }});
  const auto answer = ask(connection);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Denied);
  EXPECT_EQ(server->counters().connections, 0u);
}

TEST_F(KeptConnectionTest, ACutQuestionIsNotAskedAgain) {
  bool waits = false;
  serve({}, [&waits](const Request& request) { return waits ? never(request) : echo()(request); });
  KeptConnection connection(here(), {});
  ASSERT_TRUE(ask(connection));
  waits = true;
  Result<Response> out = fail(ErrorCode::Io, "never ended");
  io::TaskScope scope;
  scope.spawn(askOver(connection, *loop, {.target = "/"}, clock.now() + seconds(60), out));
  turnUntil([&] { return server->counters().requests == 2; });
  connection.cut();
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_FALSE(out);
  EXPECT_EQ(server->counters().requests, 2u);
  waits = false;
  EXPECT_TRUE(ask(connection));
  EXPECT_EQ(server->counters().connections, 2u);
}

TEST_F(KeptConnectionTest, AServerThatIsGoneIsAnError) {
  serve();
  KeptConnection connection(here(), {});
  ASSERT_TRUE(ask(connection));
  server.reset();
  EXPECT_FALSE(ask(connection));
}

}  // namespace
}  // namespace loam::http
