#include "proxy/server/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <future>

#include "proxy/base/json.h"
#include "proxy/http/http1_client.h"
#include "proxy/relay/silent_tap.h"
#include "proxy/server/admin.h"
#include "tests/support/echo_server.h"

namespace loam::server {
namespace {

Descriptor connectTo(const SocketAddress& address) {
  Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t length = address.to(storage);
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) fd.close();
  return fd;
}

std::string receive(const Descriptor& fd, std::size_t size) {
  std::string text(size, '\0');
  const auto count = ::recv(fd.get(), text.data(), size, MSG_WAITALL);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

class ServerTest : public testing::Test {
 protected:
  std::unique_ptr<Server> start(Settings settings) {
    auto server =
        Server::start(settings, clock, log, [](unsigned) { return std::make_unique<relay::SilentTapFactory>(); });
    EXPECT_TRUE(server) << server.error().describe();
    return *std::move(server);
  }
  Settings explicitPort(const SocketAddress& to) {
    Settings settings;
    settings.workers = 2;
    settings.listen.push_back({*SocketAddress::parse("127.0.0.1:0"), to});
    return settings;
  }
  bool becomesIdle(const Server& server) {
    const Monotonic end = clock.now() + seconds(5);
    while (server.active() != 0 && clock.now() < end) std::this_thread::yield();
    return server.active() == 0;
  }

  SystemClock clock;
  Log log{LogLevel::Error};
};

TEST_F(ServerTest, AServerThatSpeaksFirstIsHeardAtOnce) {
  const test::EchoServer upstream("220 ready\r\n");
  const auto server = start(explicitPort(upstream.address()));
  const Descriptor client = connectTo(server->addresses()[0]);
  EXPECT_EQ(receive(client, 11), "220 ready\r\n");
}

TEST_F(ServerTest, ARefusedUpstreamIsAnImmediateReset) {
  SocketAddress gone;
  { gone = test::EchoServer().address(); }
  const auto server = start(explicitPort(gone));
  const Descriptor client = connectTo(server->addresses()[0]);
  ASSERT_TRUE(client);
  char byte = 0;
  errno = 0;
  EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_TRUE(becomesIdle(*server));
  std::uint64_t refused = 0;
  for (const Counters* counters : server->counters()) refused += counters->refused.get();
  EXPECT_EQ(refused, 1u);
}

TEST_F(ServerTest, ADrainLeavesLiveConnectionsAlone) {
  const test::EchoServer upstream;
  const auto server = start(explicitPort(upstream.address()));
  Descriptor client = connectTo(server->addresses()[0]);
  ASSERT_EQ(::send(client.get(), "one", 3, 0), 3);
  ASSERT_EQ(receive(client, 3), "one");
  EXPECT_EQ(server->connections(10).size(), 1u);
  server->drain(false);
  const Monotonic end = clock.now() + seconds(5);
  while (server->isAccepting() && clock.now() < end) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_FALSE(connectTo(server->addresses()[0]));
  ASSERT_EQ(::send(client.get(), "two", 3, 0), 3);
  EXPECT_EQ(receive(client, 3), "two");
  client.close();
  EXPECT_TRUE(becomesIdle(*server));
}

TEST_F(ServerTest, DrainedItsExplicitPortsStayOpen) {
  const test::EchoServer upstream;
  const auto server = start(explicitPort(upstream.address()));
  EXPECT_EQ(server->drained(), std::nullopt);
  wire::Snapshot snapshot;
  snapshot.drained = true;
  const auto inEffect = std::make_shared<std::promise<void>>();
  auto waiting = inEffect->get_future();
  server->install(std::make_shared<const ServiceTable>(*ServiceTable::make(snapshot)),
                  [inEffect] { inEffect->set_value(); });
  ASSERT_EQ(waiting.wait_for(seconds(5)), std::future_status::ready);
  const Descriptor client = connectTo(server->addresses()[0]);
  ASSERT_EQ(::send(client.get(), "one", 3, 0), 3);
  EXPECT_EQ(receive(client, 3), "one");
  const auto drained = server->drained();
  ASSERT_TRUE(drained);
  EXPECT_TRUE(drained->isOver()) << "it captured nothing";
  EXPECT_EQ(drained->explicitConnections, 1u);
  EXPECT_EQ(drained->ports, server->addresses());
  EXPECT_TRUE(server->isDraining());
  EXPECT_TRUE(server->isAccepting());
}

TEST_F(ServerTest, TheAdminPortSaysThatItIsDrained) {
  const auto server = start(explicitPort(*SocketAddress::parse("127.0.0.1:1")));
  const auto admin = Admin::start(*SocketAddress::parse("127.0.0.1:0"), *server, clock, {});
  ASSERT_TRUE(admin);
  const auto ask = [&](const std::string& path) {
    const http::Target target{.socketPath = {}, .address = (*admin)->address()};
    const auto answer = http::fetchAndWait(target, {.target = path}, seconds(10));
    EXPECT_TRUE(answer);
    return answer ? *answer : http::Response{.status = 0};
  };
  EXPECT_EQ(ask("/readyz").status, 200);
  EXPECT_NE(ask("/metrics").body.find("\nloam_proxy_draining 0"), std::string::npos);
  wire::Snapshot snapshot;
  snapshot.drained = true;
  server->install(std::make_shared<const ServiceTable>(*ServiceTable::make(snapshot)), [] {});
  const auto ready = ask("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_TRUE((*parseJson(ready.body))["drained"].asBool()) << ready.body;
  EXPECT_TRUE((*parseJson(ready.body))["draining"].asBool()) << ready.body;
  EXPECT_NE(ask("/metrics").body.find("\nloam_proxy_draining 1"), std::string::npos);
}

TEST_F(ServerTest, APortThatIsTakenIsNamed) {
  const test::EchoServer taken;
  Settings settings = explicitPort(taken.address());
  settings.listen[0].address = taken.address();
  const auto server =
      Server::start(settings, clock, log, [](unsigned) { return std::make_unique<relay::SilentTapFactory>(); });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::Conflict);
  EXPECT_NE(server.error().context.find(taken.address().text()), std::string::npos);
}

TEST_F(ServerTest, AnExplicitPortThatPointsAtItselfIsRefusedBeforeItIsDialled) {
  Settings settings = explicitPort(*SocketAddress::parse("127.0.0.1:1"));
  settings.listen[0].address = *SocketAddress::parse("127.0.0.1:17499");
  settings.listen[0].to = settings.listen[0].address;
  const auto server = start(settings);
  const Descriptor client = connectTo(settings.listen[0].address);
  char byte = 0;
  EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1);
  EXPECT_TRUE(becomesIdle(*server));
  std::uint64_t accepted = 0;
  for (const Counters* counters : server->counters()) accepted += counters->accepted.get();
  EXPECT_EQ(accepted, 1u);
}

}  // namespace
}  // namespace loam::server
