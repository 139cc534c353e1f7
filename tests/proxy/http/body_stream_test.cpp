#include "proxy/http/body_stream.h"

#include <vector>

#include "proxy/http/client_connection.h"
#include "proxy/io/task_scope.h"
#include "tests/proxy/http/http_fixture.h"

namespace loam::http {
namespace {

/// Gives its pieces, then what `endless` says: nothing more, or the last one again and again.
class Pieces final : public BodyStream {
 public:
  Pieces(std::vector<std::string> pieces, bool endless, int& alive)
      : pieces_(std::move(pieces)), endless_(endless), alive_(alive) {
    ++alive_;
  }
  ~Pieces() override { --alive_; }
  io::Task<std::string> next() override {
    if (next_ < pieces_.size()) co_return pieces_[next_++];
    co_return endless_ ? pieces_.back() : std::string();
  }

 private:
  const std::vector<std::string> pieces_;
  const bool endless_;
  int& alive_;
  std::size_t next_ = 0;
};

class BodyStreamTest : public HttpFixture {
 protected:
  void serveStream(std::vector<std::string> pieces, bool endless = false, Http1Limits limits = {}) {
    serve(std::move(limits),
          [this, pieces, endless](const Request& request) { return answer(request, pieces, endless); });
  }
  io::Task<Response> answer(const Request& request, std::vector<std::string> pieces, bool endless) {
    Response response{.contentType = "text/plain"};
    if (request.path() == "/short") {
      response.body = "short";
    } else {
      auto stream = std::make_shared<Pieces>(std::move(pieces), endless, alive);
      last = stream;
      response.stream = std::move(stream);
    }
    co_return response;
  }
  int alive = 0;
  std::weak_ptr<Pieces> last;
};

TEST_F(BodyStreamTest, PiecesAreChunksAndTheConnectionStays) {
  serveStream({"one", std::string(300, 'x')});
  const auto fd = connect();
  say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto heard = hear(fd, [](const Heard& h) { return h.bytes.ends_with("0\r\n\r\n"); });
  EXPECT_NE(heard.bytes.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << heard.bytes;
  EXPECT_EQ(heard.bytes.find("Content-Length"), std::string::npos);
  EXPECT_TRUE(heard.bytes.ends_with("\r\n\r\n3\r\none\r\n12c\r\n" + std::string(300, 'x') + "\r\n0\r\n\r\n"));
  say(fd, "GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
  heard = hear(fd, [](const Heard& h) { return h.bytes.ends_with("short"); });
  EXPECT_TRUE(heard.bytes.ends_with("short"));
  EXPECT_EQ(alive, 0);
}

TEST_F(BodyStreamTest, AnOldClientGetsItUntilTheConnectionEnds) {
  serveStream({"one", "two"});
  const auto fd = connect();
  say(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto heard = hearAll(fd);
  EXPECT_TRUE(heard.closed);
  EXPECT_TRUE(heard.bytes.ends_with("\r\n\r\nonetwo")) << heard.bytes;
  EXPECT_EQ(heard.bytes.find("chunked"), std::string::npos);
}

TEST_F(BodyStreamTest, HeadHasNoPieces) {
  serveStream({"one"}, true);
  const auto fd = connect();
  say(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /short HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto heard = hear(fd, [](const Heard& h) { return h.bytes.ends_with("short"); });
  EXPECT_TRUE(heard.bytes.ends_with("short"));
  EXPECT_EQ(heard.bytes.find("one"), std::string::npos);
}

TEST_F(BodyStreamTest, E14_WhoNeverReadsIsCut) {
  Http1Limits limits;
  limits.stall = milliseconds(200);
  serveStream({std::string(64 * 1024, 'x')}, true, limits);
  const auto fd = connect();
  const int small = 4096;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  turnUntil([&] { return !last.expired(); });
  turnUntil([&] { return last.expired(); });
  EXPECT_TRUE(last.expired()) << "it is cut";
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(BodyStreamTest, AClientThatGoesTakesTheStreamWithIt) {
  serveStream({"one"}, true);
  {
    const auto fd = connect();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(fd, [](const Heard& h) { return h.bytes.size() > 1000; });
    EXPECT_EQ(alive, 1);
  }
  turnUntil([this] { return alive == 0; });
  EXPECT_EQ(alive, 0);
}

io::Task<void> follow(io::EventLoop& loop, SocketAddress address, std::string path, std::size_t most, std::string& all,
                      std::optional<Result<Response>>& result) {
  // Named: g++ 12 destroys a temporary that a co_await takes by value twice.
  Target target{.socketPath = {}, .address = address};
  io::Wrap wrap;
  auto connection =
      co_await ClientConnection::connect(loop, std::move(target), std::move(wrap), loop.now() + seconds(5));
  if (!connection) co_return;
  std::function<bool(std::string_view)> take = [&all, most](std::string_view piece) {
    all.append(piece);
    return all.size() < most;
  };
  Request request;
  request.target = std::move(path);
  result = co_await (*connection)->follow(std::move(request), seconds(5), std::move(take));
}

TEST_F(BodyStreamTest, AClientFollowsPiecesAsTheyCome) {
  serveStream({"one", "two"});
  io::TaskScope scope;
  std::string all;
  std::optional<Result<Response>> result;
  scope.spawn(follow(*loop, server->address(), "/", 1 << 20, all, result));
  turnUntil([&] { return result.has_value(); });
  ASSERT_TRUE(result && *result) << "it came to its end";
  EXPECT_EQ(all, "onetwo");
}

TEST_F(BodyStreamTest, AClientMayHaveHeardEnough) {
  serveStream({"one"}, true);
  io::TaskScope scope;
  std::string all;
  std::optional<Result<Response>> result;
  scope.spawn(follow(*loop, server->address(), "/", 100, all, result));
  turnUntil([&] { return result.has_value(); });
  ASSERT_TRUE(result);
  EXPECT_GE(all.size(), 100u);
  turnUntil([this] { return alive == 0; });
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace loam::http
