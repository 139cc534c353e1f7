#include "proxy/http/http1_server.h"

#include <sys/resource.h>

#include <vector>

#include "proxy/io/task_scope.h"
#include "tests/proxy/http/http_fixture.h"

namespace loam::http {
namespace {

using Http1ServerTest = HttpFixture;

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST_F(Http1ServerTest, AnswersAndKeepsTheConnection) {
  serve();
  const auto fd = connect();
  say(fd, "GET /a?b=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  auto heard = hear(fd, [](const Heard& h) { return h.bytes.ends_with("GET /a?b=1|"); });
  EXPECT_EQ(heard.bytes.rfind("HTTP/1.1 200 OK\r\n", 0), 0u) << heard.bytes;
  EXPECT_NE(heard.bytes.find("Content-Length: 11\r\n"), std::string::npos);
  EXPECT_NE(heard.bytes.find("Date: "), std::string::npos);
  EXPECT_FALSE(heard.closed);
  say(fd, "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz");
  heard = hear(fd, [](const Heard& h) { return h.bytes.ends_with("|xyz"); });
  EXPECT_TRUE(heard.bytes.ends_with("POST /b|xyz")) << heard.bytes;
  EXPECT_EQ(server->counters().requests, 2u);
}

TEST_F(Http1ServerTest, AnswersPipelinedRequestsInOrder) {
  serve();
  const auto fd = connect();
  std::string all;
  for (int i = 0; i < 200; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  all += "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  say(fd, all);
  const auto heard = hearAll(fd);
  EXPECT_TRUE(heard.closed);
  EXPECT_EQ(count(heard.bytes, "HTTP/1.1 200 OK"), 201u);
  std::size_t at = 0;
  for (int i = 0; i < 200; ++i) {
    at = heard.bytes.find("GET /" + std::to_string(i) + "|", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(Http1ServerTest, TakesABodyAtAnySegmentation) {
  serve();
  const std::string message =
      "\r\nPOST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4;a=b\r\nwxyz\r\n0A\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
      "GET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  for (const std::size_t piece : {1u, 2u, 7u, 1000u}) {
    const auto fd = connect();
    for (std::size_t at = 0; at < message.size(); at += piece) say(fd, std::string_view(message).substr(at, piece));
    const auto heard = hearAll(fd);
    EXPECT_NE(heard.bytes.find("POST /c|wxyz0123456789"), std::string::npos) << piece << heard.bytes;
    EXPECT_TRUE(heard.bytes.ends_with("GET /after|")) << piece;
  }
}

TEST_F(Http1ServerTest, HeadHasTheLengthButNoBody) {
  serve();
  const auto fd = connect();
  say(fd, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto heard = hearAll(fd);
  EXPECT_NE(heard.bytes.find("Content-Length: 8\r\n"), std::string::npos);
  EXPECT_TRUE(heard.bytes.ends_with("\r\n\r\n")) << heard.bytes;
}

TEST_F(Http1ServerTest, OldClientsAreToldWhetherTheConnectionStays) {
  serve();
  const auto closing = connect();
  say(closing, "GET /o HTTP/1.0\r\n\r\n");
  EXPECT_NE(hearAll(closing).bytes.find("Connection: close\r\n"), std::string::npos);
  const auto staying = connect();
  say(staying, "GET /o HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto heard = hear(staying, [](const Heard& h) { return h.bytes.ends_with("/o|"); });
  EXPECT_NE(heard.bytes.find("Connection: keep-alive\r\n"), std::string::npos);
  EXPECT_FALSE(heard.closed);
}

TEST_F(Http1ServerTest, A12_ExpectIsAnsweredBeforeTheBody) {
  serve();
  const auto fd = connect();
  say(fd, "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  auto heard = hear(fd, [](const Heard& h) { return h.bytes.ends_with("\r\n\r\n"); });
  EXPECT_EQ(heard.bytes, "HTTP/1.1 100 Continue\r\n\r\n");
  say(fd, "ok");
  heard = hear(fd, [](const Heard& h) { return h.bytes.ends_with("|ok"); });
  EXPECT_TRUE(heard.bytes.ends_with("POST /e|ok")) << heard.bytes;

  const auto odd = connect();
  say(odd, "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 200-ok\r\n\r\n");
  heard = hearAll(odd);
  EXPECT_EQ(heard.bytes.rfind("HTTP/1.1 417 ", 0), 0u) << heard.bytes;
}

TEST_F(Http1ServerTest, TheAbsoluteFormCountsInsteadOfHost) {
  serve({.admitsHost = [](std::string_view host) { return host == "good:1"; }});
  const auto good = connect();
  say(good, "GET http://good:1/p?q HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(hearAll(good).bytes.ends_with("GET /p?q|"));
  const auto bad = connect();
  say(bad, "GET http://evil/p HTTP/1.1\r\nHost: good:1\r\n\r\n");
  EXPECT_EQ(hearAll(bad).bytes.rfind("HTTP/1.1 421 ", 0), 0u);
}

TEST_F(Http1ServerTest, E4_AForeignHostIsMisdirected) {
  serve({.admitsHost = [](std::string_view host) { return host == "127.0.0.1"; }});
  const auto fd = connect();
  say(fd, "GET / HTTP/1.1\r\nHost: attacker.example\r\n\r\n");
  const auto heard = hearAll(fd);
  EXPECT_EQ(heard.bytes.rfind("HTTP/1.1 421 Misdirected Request\r\n", 0), 0u);
  EXPECT_TRUE(heard.closed);
  EXPECT_EQ(server->counters().requests, 0u);
}

TEST_F(Http1ServerTest, E7_BodiesAreBoundedAloneAndTogether) {
  serve({.body = 1000, .bodies = 1500});
  const auto declared = connect();
  say(declared, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(hearAll(declared).bytes.rfind("HTTP/1.1 413 ", 0), 0u);
  const auto chunked = connect();
  say(chunked, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'a'));
  EXPECT_EQ(hearAll(chunked).bytes.rfind("HTTP/1.1 413 ", 0), 0u);
  const auto first = connect();
  say(first, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf");
  turnUntil([&] { return server->counters().bodiesHeld == 1000; });
  const auto second = connect();
  say(second, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  EXPECT_EQ(hearAll(second).bytes.rfind("HTTP/1.1 503 ", 0), 0u);
  say(first, std::string(996, 'b'));
  EXPECT_EQ(hear(first, [](const Heard& h) { return h.bytes.ends_with("b"); }).bytes.rfind("HTTP/1.1 200 ", 0), 0u);
  EXPECT_EQ(server->counters().bodiesHeld, 0u);
}

TEST_F(Http1ServerTest, DeadlinesEndHalfHeadsHalfBodiesAndSilence) {
  serve({.head = milliseconds(60), .idle = milliseconds(120), .transfer = milliseconds(60)});
  const auto head = connect();
  say(head, "GET / HT");
  EXPECT_EQ(hearAll(head).bytes.rfind("HTTP/1.1 408 ", 0), 0u);
  const auto body = connect();
  say(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(hearAll(body).bytes.rfind("HTTP/1.1 408 ", 0), 0u);
  const auto silent = connect();
  const auto nothing = hearAll(silent);
  EXPECT_TRUE(nothing.closed);
  EXPECT_EQ(nothing.bytes, "");
  const auto idle = connect();
  say(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(hearAll(idle).closed);
}

TEST_F(Http1ServerTest, ADeadlineHoldsAgainstAByteAtATime) {
  serve({.head = milliseconds(80)});
  const auto fd = connect();
  const Monotonic start = clock.now();
  std::string heard;
  Monotonic next = start;
  // Bytes come faster than the wheel turns: the socket is always ready before a timer is due.
  turnUntil([&] {
    if (clock.now() >= next) {
      [[maybe_unused]] const auto sent = ::send(fd.get(), "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
      next = clock.now() + milliseconds(1);
    }
    char bytes[1000];
    const auto count = ::recv(fd.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) heard.append(bytes, static_cast<std::size_t>(count));
    return !heard.empty() || count == 0;
  });
  EXPECT_EQ(heard.rfind("HTTP/1.1 408 ", 0), 0u) << heard;
  EXPECT_LT(clock.now() - start, milliseconds(1000));
}

TEST_F(Http1ServerTest, E15_ThousandsOfSlowClientsDoNotDelayTheOthers) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const std::size_t slow = std::min<std::size_t>(3000, files.rlim_cur > 700 ? (files.rlim_cur - 600) : 100);
  serve({.connections = 64});
  const auto agent = connect();
  say(agent, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
  hear(agent, [](const Heard& h) { return h.bytes.ends_with("/first|"); });
  std::vector<Descriptor> drips;
  for (std::size_t i = 0; i < slow; ++i) {
    drips.push_back(connect());
    say(drips.back(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n");
  }
  turnUntil([&] { return server->counters().connections == slow + 1; });
  EXPECT_LE(server->connections(), 64u + 32u);
  const Monotonic start = clock.now();
  say(agent, "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto kept = hear(agent, [](const Heard& h) { return h.bytes.ends_with("/again|"); });
  EXPECT_TRUE(kept.bytes.ends_with("/again|")) << "an agent that has been served keeps its connection";
  const auto fresh = connect();
  say(fresh, "GET /new HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(hear(fresh, [](const Heard& h) { return h.bytes.ends_with("/new|"); }).bytes.ends_with("/new|"));
  EXPECT_LT(clock.now() - start, milliseconds(500));
}

TEST_F(Http1ServerTest, AResponseHeaderCannotBeSplit) {
  serve({}, [](const Request&) -> io::Task<Response> {
    Response response;
    response.headers.emplace_back("Location", "/x\r\nSet-Cookie: a=b");
    co_return response;
  });
  const auto fd = connect();
  say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(hearAll(fd).bytes.find("Set-Cookie"), std::string::npos);
}

io::Task<void> drainInto(Http1Server& server, Monotonic deadline, bool& done) {
  co_await server.drain(deadline);
  done = true;
}

TEST_F(Http1ServerTest, DrainingEndsIdleClientsAndLetsRequestsFinish) {
  serve();
  const auto idle = connect();
  const auto busy = connect();
  say(busy, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
  turnUntil([&] { return server->counters().bodiesHeld == 4; });
  bool done = false;
  io::TaskScope scope;
  scope.spawn(drainInto(*server, clock.now() + milliseconds(3000), done));
  EXPECT_TRUE(hearAll(idle).closed);
  EXPECT_FALSE(done);
  say(busy, "cd");
  const auto heard = hearAll(busy);
  EXPECT_NE(heard.bytes.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(heard.bytes.ends_with("POST /slow|abcd"));
  turnUntil([&] { return done; });
  EXPECT_TRUE(done);
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(Http1ServerTest, PeersAreCutAlsoWhileTheyAskAndOthersStay) {
  serve();
  const auto busy = connect();
  const auto idle = connect();
  say(busy, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
  turnUntil([&] { return server->counters().bodiesHeld == 4; });
  EXPECT_EQ(server->cutPeers([](const Peer& peer) { return !peer.id.empty(); }), 0u);
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ASSERT_EQ(::getsockname(busy.get(), reinterpret_cast<sockaddr*>(&storage), &length), 0);
  const SocketAddress own = SocketAddress::from(storage);
  EXPECT_EQ(server->cutPeers([&](const Peer& peer) { return peer.address == own; }), 1u);
  EXPECT_TRUE(hearAll(busy).closed);
  say(idle, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(hearAll(idle).bytes.ends_with("GET /|"));
  turnUntil([&] { return server->connections() == 0; });
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(Http1ServerTest, DroppingTheServerCutsItsClients) {
  serve();
  const auto fd = connect();
  say(fd, "GET / HT");
  turnUntil([&] { return server->connections() == 1; });
  server.reset();
  EXPECT_TRUE(hearAll(fd).closed);
}

}  // namespace
}  // namespace loam::http
