#include <cstdio>

#include "proxy/http/client_connection.h"
#include "proxy/http/http1_client.h"
#include "proxy/http/http1_server.h"
#include "proxy/io/signal.h"
#include "tests/proxy/tls/tls_fixture.h"
#include "tests/support/heap.h"

namespace loam::tls {
namespace {

using http::ClientConnection;
using http::Request;
using http::Response;

/// The control-side server and client with TLS between them.
class HttpsTest : public TlsFixture {
 protected:
  void serve(http::Http1Limits limits = {}, http::Handler handler = &whoAsks,
             ClientCertificate asks = ClientCertificate::Required) {
    current = serverContext(asks);
    http::Security security;
    security.wrap = asServer([this] { return current; });
    security.failed = [this](const http::Peer&, const Error& error) { failures.push_back(error); };
    auto listener = io::Listener::bind(*loop, *SocketAddress::parse("127.0.0.1:0"));
    ASSERT_TRUE(listener);
    server_ = std::make_unique<http::Http1Server>(*loop, *std::move(listener), std::move(handler), std::move(limits),
                                                  std::move(security));
  }
  http::Target here() const { return {.socketPath = {}, .address = server_->address()}; }

  static io::Task<Response> whoAsks(const Request& request) {
    Response response;
    response.body = request.peer.id + " " + request.peer.serial + " " + request.peer.address.ip.text() + " " +
                    request.target + " " + std::to_string(request.body.size());
    co_return response;
  }
  static io::Task<void> connectTo(io::EventLoop& loop, http::Target target, io::Wrap wrap, Monotonic deadline,
                                  Result<std::unique_ptr<ClientConnection>>& out) {
    out = co_await ClientConnection::connect(loop, std::move(target), std::move(wrap), deadline);
  }
  static io::Task<void> askOver(ClientConnection& connection, Request request, Monotonic deadline,
                                Result<Response>& out) {
    out = co_await connection.ask(std::move(request), deadline);
  }
  Result<std::unique_ptr<ClientConnection>> connect(std::shared_ptr<const Context> context) {
    Result<std::unique_ptr<ClientConnection>> out = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(connectTo(*loop, here(), asClient(std::move(context), kServerId), soon(), out));
    turnUntil([&] { return scope.size() == 0; });
    return out;
  }
  Result<Response> ask(ClientConnection& connection, Request request) {
    Result<Response> out = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(askOver(connection, std::move(request), soon(), out));
    turnUntil([&] { return scope.size() == 0; });
    return out;
  }
  Descriptor silentClient() const {
    sockaddr_storage storage{};
    const socklen_t length = server_->address().to(storage);
    Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    return fd;
  }

  std::shared_ptr<const Context> current;
  std::vector<Error> failures;
  std::unique_ptr<http::Http1Server> server_;
};

TEST_F(HttpsTest, ManyRequestsOverOneConnectionKnowWhoAsks) {
  serve();
  const auto connection = connect(clientContext());
  ASSERT_TRUE(connection) << connection.error().describe();
  EXPECT_EQ((*connection)->peer().id, kServerId);
  for (int i = 0; i < 5; ++i) {
    const std::string body(static_cast<std::size_t>(i) * 100'000, 'b');
    const auto response =
        ask(**connection, {.method = "POST", .target = "/" + std::to_string(i), .headers = {}, .body = body});
    ASSERT_TRUE(response) << response.error().describe();
    EXPECT_EQ(response->body, std::string(kClientId) + " " + client.certificate.serial() + " 127.0.0.1 /" +
                                  std::to_string(i) + " " + std::to_string(body.size()));
    EXPECT_TRUE((*connection)->isOpen());
  }
  EXPECT_EQ(server_->counters().connections, 1u);
  EXPECT_EQ(server_->counters().requests, 5u);
}

TEST_F(HttpsTest, ALongPollIsAnsweredWhenThereIsSomethingToSay) {
  io::Signal something(*loop);
  serve({}, [&something](const Request&) {
    struct Poll {
      static io::Task<Response> wait(io::Signal& signal, Monotonic deadline) {
        const bool raised = co_await signal.until(deadline);
        co_return Response{.status = raised ? 200 : 204, .contentType = "text/plain", .body = "news", .headers = {}};
      }
    };
    return Poll::wait(something, io::kNever - std::chrono::hours(1));
  });
  const auto connection = connect(clientContext());
  ASSERT_TRUE(connection);
  Result<Response> answer = fail(ErrorCode::Io, "never ended");
  io::TaskScope scope;
  scope.spawn(askOver(**connection, {.target = "/watch"}, clock.now() + seconds(60), answer));
  turnUntil([&] { return server_->counters().requests == 1; });
  EXPECT_EQ(scope.size(), 1u);
  EXPECT_FALSE((*connection)->isOpen()) << "one request at a time";
  something.raiser()();
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_EQ(answer->body, "news");
  EXPECT_TRUE((*connection)->isOpen());
}

TEST_F(HttpsTest, D1_ARefusedClientHearsWhyAndTheServerIsTold) {
  serve();
  const Party expired = makeParty({.from = -7200, .to = -3600}, &root);
  const auto connection =
      connect(contextOf(Context::client({.own = expired.credentials(), .roots = {root.certificate}})));
  ASSERT_TRUE(connection) << "the client is done before the server has judged: " << connection.error().describe();
  const auto response = ask(**connection, {.target = "/"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::Denied) << response.error().describe();
  EXPECT_NE(response.error().context.find("certificate expired"), std::string::npos) << response.error().context;
  turnUntil([&] { return server_->connections() == 0; });
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_NE(failures[0].context.find("certificate has expired"), std::string::npos) << failures[0].context;
  EXPECT_EQ(server_->counters().insecure, 1u);
  EXPECT_EQ(server_->counters().requests, 0u);
}

TEST_F(HttpsTest, E15_SlowHandshakesDoNotKeepAgentsOut) {
  serve({.connections = 8});
  const auto agent = connect(clientContext());
  ASSERT_TRUE(agent);
  ASSERT_TRUE(ask(**agent, {.target = "/first"}));
  std::vector<Descriptor> silent;
  for (int i = 0; i < 50; ++i) silent.push_back(silentClient());
  turnUntil([&] { return server_->counters().connections == 51; });
  turnUntil([&] { return server_->connections() <= 8; });
  EXPECT_LE(server_->connections(), 8u);
  EXPECT_TRUE(ask(**agent, {.target = "/again"})) << "one that was served keeps its connection";
  const auto another = connect(clientContext());
  ASSERT_TRUE(another) << another.error().describe();
  EXPECT_TRUE(ask(**another, {.target = "/new"}));
  EXPECT_GE(server_->counters().evicted, 43u);
}

TEST_F(HttpsTest, AHandshakeHasTheDeadlineOfAFirstHead) {
  serve({.head = milliseconds(60)});
  const auto silent = silentClient();
  turnUntil([&] { return server_->connections() == 1; });
  turnUntil([&] { return server_->connections() == 0; }, milliseconds(1000));
  EXPECT_EQ(server_->connections(), 0u);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].code, ErrorCode::Timeout);
}

TEST_F(HttpsTest, ANewCertificateCountsForNewConnections) {
  serve();
  const auto before = connect(clientContext());
  ASSERT_TRUE(before);
  const Party renewed = makeServer(root);
  current = contextOf(Context::server({.own = renewed.credentials(), .roots = {root.certificate}}));
  const auto after = connect(clientContext());
  ASSERT_TRUE(after);
  EXPECT_EQ((*after)->peer().serial, renewed.certificate.serial());
  EXPECT_EQ((*before)->peer().serial, server.certificate.serial());
  EXPECT_TRUE(ask(**before, {.target = "/still"})) << "those that are there go on";
  EXPECT_TRUE(ask(**after, {.target = "/new"}));
}

TEST_F(HttpsTest, DrainingSaysGoodbye) {
  serve();
  const auto connection = connect(clientContext());
  ASSERT_TRUE(connection);
  ASSERT_TRUE(ask(**connection, {.target = "/"}));
  server_.reset();
  const auto response = ask(**connection, {.target = "/"});
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().retryable);
  EXPECT_EQ(response.error().code, ErrorCode::Closed) << response.error().describe();
  EXPECT_FALSE((*connection)->isOpen());
}

TEST_F(HttpsTest, AnIdleAgentCostsLittle) {
  constexpr std::size_t kAgents = 50;
  serve();
  std::vector<Result<std::unique_ptr<ClientConnection>>> agents;
  agents.reserve(kAgents + 1);
  agents.push_back(connect(clientContext()));
  ASSERT_TRUE(ask(**agents.back(), {.target = "/first"}));
  const auto calling = clientContext();
  const auto before = loam::test::heapInUse();
  while (agents.size() <= kAgents) {
    agents.push_back(connect(calling));
    ASSERT_TRUE(ask(**agents.back(), {.method = "POST", .target = "/", .headers = {}, .body = std::string(3000, 'b')}));
  }
  turnUntil([&] { return server_->connections() == kAgents + 1; });
  const auto all = loam::test::heapInUse();
  for (auto& agent : agents) agent->reset();
  const auto servers = loam::test::heapInUse();
  const std::size_t each = (servers - before) / kAgents;
  std::printf("an idle agent: %zu bytes at the server with its coroutines, %zu at itself\n", each,
              (all - servers) / kAgents);
  EXPECT_LT(each, 40u * 1024);
}

TEST_F(HttpsTest, PlainHttpIsNotAnsweredInClear) {
  serve();
  const auto fd = silentClient();
  const std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_GT(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
  std::string heard;
  turnUntil([&] {
    char bytes[1000];
    const auto count = ::recv(fd.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) heard.append(bytes, static_cast<std::size_t>(count));
    return count == 0;
  });
  EXPECT_EQ(heard.find("HTTP"), std::string::npos) << heard;
  EXPECT_LE(heard.size(), 7u) << "an alert at most";
  ::shutdown(fd.get(), SHUT_WR);
  turnUntil([&] { return server_->connections() == 0; });
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_NE(failures[0].context.find("HTTP without TLS"), std::string::npos) << failures[0].context;
}

}  // namespace
}  // namespace loam::tls
