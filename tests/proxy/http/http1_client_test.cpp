#include "proxy/http/http1_client.h"

#include <unistd.h>

#include <filesystem>
#include <thread>

#include "proxy/io/stream.h"
#include "proxy/io/task_scope.h"
#include "tests/proxy/http/http_fixture.h"

namespace loam::http {
namespace {

io::Task<void> fetchInto(io::EventLoop& loop, Target target, Request request, Monotonic deadline,
                         Result<Response>& result) {
  result = co_await fetch(loop, std::move(target), std::move(request), deadline);
}

class Http1ClientTest : public HttpFixture {
 protected:
  Result<Response> get(const Target& target, Request request, milliseconds patience = milliseconds(3000)) {
    Result<Response> result = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(fetchInto(*loop, target, std::move(request), clock.now() + patience, result));
    turnUntil([&] { return scope.size() == 0; });
    return result;
  }
  Target here() const { return {.socketPath = {}, .address = server->address()}; }

  /// Listens and answers every client with `answer`, whatever it says.
  Target pretend(std::string answer) {
    auto bound = io::Listener::bind(*loop, *SocketAddress::parse("127.0.0.1:0"));
    pretending.cancelAll();
    listener = *std::move(bound);
    pretending.spawn(answerAll(*loop, *listener, std::move(answer)));
    return {.socketPath = {}, .address = listener->address()};
  }

 private:
  static io::Task<void> answerAll(io::EventLoop& loop, io::Listener& listener, std::string answer) {
    for (;;) {
      auto client = co_await listener.accept();
      if (!client) co_return;
      auto socket = io::Socket::adopt(loop, std::move(client->fd));
      std::array<std::uint8_t, 4096> buffer{};
      const auto got = co_await io::readSome(**socket, buffer);
      if (!got) co_return;
      const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(answer.data()), answer.size());
      const Status sent = co_await io::writeAll(**socket, bytes);
      if (!sent) co_return;
    }
  }
  std::unique_ptr<io::Listener> listener;
  io::TaskScope pretending;
};

TEST_F(Http1ClientTest, FetchesOverTcpWithABody) {
  serve();
  Request request{.method = "POST", .target = "/r?x=1", .headers = {}, .body = std::string(500'000, 'q')};
  const auto response = get(here(), request);
  ASSERT_TRUE(response) << response.error().describe();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->contentType, "text/plain");
  EXPECT_EQ(response->body, "POST /r?x=1|" + request.body);
}

TEST_F(Http1ClientTest, FetchesOverAUnixSocketFromAnotherThread) {
  const auto path = (std::filesystem::temp_directory_path() / ("loam-http-" + std::to_string(::getpid()))).string();
  auto bound = io::Listener::bindUnix(*loop, path);
  ASSERT_TRUE(bound);
  server = std::make_unique<Http1Server>(*loop, *std::move(bound), echo());
  Result<Response> response = fail(ErrorCode::Io, "never ended");
  std::atomic<bool> done = false;
  std::thread client([&] {
    response = fetchAndWait(*Target::parse(path), Request{.target = "/u"}, milliseconds(3000));
    done = true;
  });
  turnUntil([&] { return done.load(); });
  client.join();
  ASSERT_TRUE(response) << response.error().describe();
  EXPECT_EQ(response->body, "GET /u|");
  std::filesystem::remove(path);
}

TEST_F(Http1ClientTest, NobodyThereIsNamed) {
  const auto unix = fetchAndWait(*Target::parse("/nonexistent/c.sock"), {}, milliseconds(500));
  ASSERT_FALSE(unix);
  EXPECT_EQ(unix.error().code, ErrorCode::NotFound);
  serve();
  const Target gone = here();
  server.reset();
  const auto tcp = get(gone, {});
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().code, ErrorCode::Refused);
}

TEST_F(Http1ClientTest, ASilentServerEndsAtTheDeadline) {
  const Target target = pretend("");
  auto listening = get(target, {}, milliseconds(100));
  ASSERT_FALSE(listening);
  EXPECT_TRUE(listening.error().code == ErrorCode::Timeout || listening.error().code == ErrorCode::Closed);
}

TEST_F(Http1ClientTest, A16_AnswersThatAreNoneAreRefused) {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                             "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    const auto response = get(pretend(answer), {});
    EXPECT_FALSE(response) << answer;
  }
}

TEST_F(Http1ClientTest, InterimAnswersArePassedOver) {
  const auto response = get(pretend("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nTransfer-Encoding: "
                                    "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
                            {});
  ASSERT_TRUE(response) << response.error().describe();
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "abc");
}

TEST(TargetTest, ReadsPathsAndAddresses) {
  EXPECT_EQ(Target::parse("/run/loam/controller.sock")->socketPath, "/run/loam/controller.sock");
  EXPECT_EQ(Target::parse("localhost:7400")->address.text(), "127.0.0.1:7400");
  EXPECT_EQ(Target::parse("[::1]:7400")->text(), "[::1]:7400");
  EXPECT_FALSE(Target::parse("example.org:7400"));
  EXPECT_FALSE(Target::parse("127.0.0.1"));
  EXPECT_FALSE(Target::parse("127.0.0.1:0"));
}

TEST(MessageTest, DecodesQueriesAndFindsHeaders) {
  Request request{.target = "/v1/graph?from=-15m&focus=a%2Fb+c&empty&x%3D=y", .headers = {{"Content-Type", "a"}}};
  EXPECT_EQ(request.path(), "/v1/graph");
  EXPECT_EQ(request.query("from"), "-15m");
  EXPECT_EQ(request.query("focus"), "a/b c");
  EXPECT_EQ(request.query("empty"), "");
  EXPECT_EQ(request.query("x="), "y");
  EXPECT_EQ(request.query("none"), "");
  EXPECT_EQ(request.header("content-TYPE"), "a");
  EXPECT_EQ(percentDecode(percentEncode("a b/ü%")), "a b/ü%");
  EXPECT_EQ(percentDecode("100%"), "100%");
}

}  // namespace
}  // namespace loam::http
