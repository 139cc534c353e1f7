#include "proxy/http/client_connection.h"

#include <unistd.h>

#include <filesystem>

#include "proxy/io/task_scope.h"
#include "tests/proxy/http/http_fixture.h"

namespace loam::http {
namespace {

using Connected = Result<std::unique_ptr<ClientConnection>>;

io::Task<void> connectTo(io::EventLoop& loop, Target target, Monotonic deadline, Connected& out) {
  out = co_await ClientConnection::connect(loop, std::move(target), {}, deadline);
}
io::Task<void> askOver(ClientConnection& connection, Request request, Monotonic deadline, Result<Response>& out) {
  out = co_await connection.ask(std::move(request), deadline);
}

class ClientConnectionTest : public HttpFixture {
 protected:
  static io::Task<Response> said(int status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    co_return response;
  }
  static io::Task<Response> never(const Request&) {
    co_await std::suspend_always();
    co_return Response{};
  }
  Target here() const { return {.socketPath = {}, .address = server->address()}; }
  Connected connect(const Target& target) {
    Connected out = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(connectTo(*loop, target, clock.now() + milliseconds(3000), out));
    turnUntil([&] { return scope.size() == 0; });
    return out;
  }
  static io::Task<void> askBrieflyOver(ClientConnection& connection, Monotonic deadline, Result<Response>& out) {
    Request request{.method = "POST", .target = "/", .body = "x"};
    out = co_await connection.askBriefly(std::move(request), deadline, 100);
  }
  Result<Response> askBriefly(ClientConnection& connection, milliseconds patience = milliseconds(3000)) {
    Result<Response> out = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(askBrieflyOver(connection, clock.now() + patience, out));
    turnUntil([&] { return scope.size() == 0; });
    return out;
  }
  Result<Response> ask(ClientConnection& connection, Request request, milliseconds patience = milliseconds(3000)) {
    Result<Response> out = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(askOver(connection, std::move(request), clock.now() + patience, out));
    turnUntil([&] { return scope.size() == 0; });
    return out;
  }
};

TEST_F(ClientConnectionTest, CarriesOneRequestAfterTheOther) {
  serve();
  const auto connection = connect(here());
  ASSERT_TRUE(connection) << connection.error().describe();
  for (int i = 0; i < 100; ++i) {
    const std::string target = "/" + std::to_string(i);
    const auto response = ask(**connection, {.method = i % 3 == 0 ? "HEAD" : "POST", .target = target});
    ASSERT_TRUE(response) << response.error().describe();
    EXPECT_EQ(response->body, i % 3 == 0 ? "" : "POST " + target + "|");
  }
  EXPECT_EQ(server->counters().connections, 1u);
}

TEST_F(ClientConnectionTest, SaysWhenItIsClosed) {
  serve();
  const auto connection = connect(here());
  ASSERT_TRUE(connection);
  EXPECT_TRUE((*connection)->isOpen());
  ASSERT_TRUE(ask(**connection, {.target = "/", .headers = {{"Connection", "close"}}}));
  EXPECT_FALSE((*connection)->isOpen());
  const auto after = ask(**connection, {.target = "/"});
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, ErrorCode::Closed);
}

TEST_F(ClientConnectionTest, WhoNeedsTheStatusAboveAllReadsNoLongBody) {
  std::string body;
  serve({}, [&body](const Request&) { return said(418, body); });
  for (const std::size_t size : {0, 100, 101, 10'000'000}) {
    body = std::string(size, 'x');
    const auto connection = connect(here());
    ASSERT_TRUE(connection);
    const auto answer = askBriefly(**connection);
    ASSERT_TRUE(answer) << size << ": " << answer.error().describe();
    EXPECT_EQ(answer->status, 418);
    EXPECT_EQ(answer->body.size(), size <= 100 ? size : 0) << size;
    EXPECT_FALSE((*connection)->isOpen());
  }
}

TEST_F(ClientConnectionTest, WhoNeedsTheStatusWaitsForItAsLongAsOthers) {
  serve({}, &never);
  const auto connection = connect(here());
  ASSERT_TRUE(connection);
  const auto answer = askBriefly(**connection, milliseconds(50));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Timeout);
}

TEST_F(ClientConnectionTest, AServerThatClosedMeanwhileIsRetryable) {
  serve({.idle = milliseconds(30)});
  const auto connection = connect(here());
  ASSERT_TRUE(connection);
  ASSERT_TRUE(ask(**connection, {.target = "/"}));
  turnUntil([&] { return server->connections() == 0; });
  const auto after = ask(**connection, {.target = "/"});
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, ErrorCode::Closed);
  EXPECT_TRUE(after.error().retryable);
  EXPECT_FALSE((*connection)->isOpen());
}

TEST_F(ClientConnectionTest, ADeadlineEndsOneRequestAndTheConnectionWithIt) {
  serve({}, [](const Request&) -> io::Task<Response> {
    struct Never {
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<>) {}
      void await_resume() {}
    };
    co_await Never();
    co_return Response{};
  });
  const auto connection = connect(here());
  ASSERT_TRUE(connection);
  const auto response = ask(**connection, {.target = "/"}, milliseconds(50));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Timeout);
  EXPECT_FALSE((*connection)->isOpen());
}

TEST_F(ClientConnectionTest, ADroppedRequestClosesIt) {
  serve({}, [](const Request&) -> io::Task<Response> { co_return Response{.body = std::string(5'000'000, 'x')}; });
  const auto connection = connect(here());
  ASSERT_TRUE(connection);
  Result<Response> out = fail(ErrorCode::Io, "never ended");
  {
    io::TaskScope scope;
    scope.spawn(askOver(**connection, {.target = "/"}, clock.now() + seconds(3), out));
    loop->turn(milliseconds(1));
    ASSERT_EQ(scope.size(), 1u);
  }
  EXPECT_FALSE((*connection)->isOpen());
}

TEST_F(ClientConnectionTest, TheHandlerLearnsWhoSentARequest) {
  const Handler tell = [](const Request& request) -> io::Task<Response> {
    Response response;
    const auto& [id, serial, address, process] = request.peer;
    response.body = id + "|" + serial + "|" + address.ip.text();
    if (process) response.body += "|" + std::to_string(process->user) + "|" + std::to_string(process->pid);
    co_return response;
  };
  serve({}, tell);
  const auto tcp = connect(here());
  ASSERT_TRUE(tcp);
  EXPECT_EQ(ask(**tcp, {.target = "/"})->body, "||127.0.0.1");

  const auto path = (std::filesystem::temp_directory_path() / ("loam-peer-" + std::to_string(::getpid()))).string();
  auto bound = io::Listener::bindUnix(*loop, path);
  ASSERT_TRUE(bound);
  server = std::make_unique<Http1Server>(*loop, *std::move(bound), tell);
  const auto local = connect(*Target::parse(path));
  ASSERT_TRUE(local) << local.error().describe();
  EXPECT_EQ(ask(**local, {.target = "/"})->body,
            "||" + SocketAddress().ip.text() + "|" + std::to_string(::getuid()) + "|" + std::to_string(::getpid()));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace loam::http
