#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "proxy/relay/silent_tap.h"
#include "proxy/server/server.h"
#include "tests/proxy/guard/host.h"

namespace loam::server {
namespace {

using guard::Child;
using guard::dial;
using guard::echoes;
using guard::eventually;
using guard::localName;
using guard::readLine;

/// A server that captures for real, by a guard in a network namespace. An echo server says whom it sees: a relayed
/// client by another port than its own.
class DrainHostTest : public guard::HostTest {
 protected:
  std::unique_ptr<Server> start(const guard::GuardProcess& process, bool drained = false) {
    Settings settings;
    settings.workers = 2;
    settings.guard = process.socket();
    settings.listen.push_back({*SocketAddress::parse("127.0.0.1:0"), *SocketAddress::parse("127.0.0.1:8080")});
    const auto taps = [](unsigned) { return std::make_unique<relay::SilentTapFactory>(); };
    if (!log) log.emplace(LogLevel::Error, -1);
    auto server = Server::start(settings, clock, *log, taps, table(drained));
    EXPECT_TRUE(server) << server.error().describe();
    return *std::move(server);
  }
  std::shared_ptr<const ServiceTable> table(bool drained) {
    wire::Snapshot snapshot;
    snapshot.generation = ++generation;
    snapshot.drained = drained;
    return std::make_shared<const ServiceTable>(*ServiceTable::make(snapshot));
  }
  void install(Server& server, bool drained) {
    const auto inEffect = std::make_shared<std::promise<void>>();
    auto waiting = inEffect->get_future();
    server.install(table(drained), [inEffect] { inEffect->set_value(); });
    ASSERT_EQ(waiting.wait_for(seconds(10)), std::future_status::ready);
  }
  static std::uint64_t accepted(const Server& server) {
    std::uint64_t sum = 0;
    for (const Counters* counters : server.counters()) sum += counters->accepted.get();
    return sum;
  }
  static bool captures(const guard::GuardProcess& process) { return process.client().showCapture()->alive; }
  static bool isDirect(const Descriptor& client) { return readLine(client.get()) == localName(client.get()); }

  SystemClock clock;
  std::optional<Log> log;  // has a thread: made once the children were
  std::uint64_t generation = 0;
};

TEST_F(DrainHostTest, NewConnectionsGoDirectOldOnesLiveOnAndResumedAllIsAsBefore) {
  Child upstream = guard::startServer(8080);
  guard::GuardProcess process({"--outbound"});
  const auto server = start(process);
  ASSERT_TRUE(eventually([&] { return captures(process); }));
  Descriptor old = dial("127.0.0.1:8080");
  EXPECT_FALSE(isDirect(old));
  EXPECT_EQ(server->active(), 1u);
  EXPECT_EQ(server->drained(), std::nullopt);

  install(*server, true);
  EXPECT_FALSE(captures(process)) << "in effect when it says so";
  EXPECT_TRUE(server->isDrained());
  EXPECT_TRUE(isDirect(dial("127.0.0.1:8080")));
  EXPECT_TRUE(echoes(old.get(), "still relayed"));
  EXPECT_TRUE(server->drained()->accepting);
  std::uint64_t taken = accepted(*server);
  const Descriptor late = dial("127.0.0.1:7410");
  EXPECT_TRUE(eventually([&] { return accepted(*server) == taken + 1; })) << "who was on the way is taken";
  const Descriptor named = dial(server->addresses()[0].text());
  EXPECT_NE(readLine(named.get()), "") << "explicit ports stay open";
  ASSERT_TRUE(eventually([&] { return !server->drained()->accepting; }, milliseconds(10'000)));
  taken = accepted(*server);
  const Descriptor tooLate = dial("127.0.0.1:7410");
  EXPECT_EQ(readLine(tooLate.get()), "");
  EXPECT_EQ(accepted(*server), taken) << "the listeners are the guard's alone";
  EXPECT_EQ(server->drained()->connections, 1u);
  EXPECT_EQ(server->drained()->explicitConnections, 1u);
  EXPECT_EQ(server->drained()->ports, server->addresses());
  EXPECT_TRUE(echoes(old.get(), "still relayed"));
  EXPECT_TRUE(echoes(named.get(), "still relayed"));
  old.close();
  EXPECT_TRUE(eventually([&] { return server->drained()->isOver(); }));

  install(*server, false);
  EXPECT_TRUE(eventually([&] { return captures(process); }));
  EXPECT_EQ(server->drained(), std::nullopt);
  const Descriptor again = dial("127.0.0.1:8080");
  EXPECT_FALSE(isDirect(again));
  EXPECT_TRUE(echoes(again.get(), "relayed"));
}

TEST_F(DrainHostTest, StartedDrainedItCapturesNothingUntilItIsResumed) {
  Child upstream = guard::startServer(8080);
  guard::GuardProcess process({"--outbound"});
  const auto server = start(process, true);
  EXPECT_EQ(process.client().showCapture()->proxyPid, 0u);
  EXPECT_TRUE(isDirect(dial("127.0.0.1:8080")));
  EXPECT_TRUE(server->drained()->isOver());
  EXPECT_TRUE(server->isDraining());
  install(*server, false);
  EXPECT_TRUE(eventually([&] { return captures(process); }));
  EXPECT_FALSE(isDirect(dial("127.0.0.1:8080")));
  EXPECT_FALSE(server->isDraining());
}

TEST_F(DrainHostTest, NoConnectionFailsWhileItIsDrainedAndResumedAgainAndAgain) {
  Child upstream = guard::startServer(8080);
  guard::GuardProcess process({"--outbound"});
  const auto server = start(process);
  ASSERT_TRUE(eventually([&] { return captures(process); }));
  std::atomic<bool> ending{false};
  std::atomic<int> opened{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!ending) {
        const Descriptor client = dial("127.0.0.1:8080");
        const bool works = client && !readLine(client.get()).empty() && echoes(client.get(), "x");
        ++(works ? opened : failed);
      }
    });
  }
  // Resumed at once, and after the listeners were let go.
  for (const milliseconds pause : {milliseconds(0), milliseconds(100), milliseconds(4000), milliseconds(0)}) {
    const int before = opened;
    EXPECT_TRUE(eventually([&] { return opened > before + 20; }));
    install(*server, true);
    std::this_thread::sleep_for(pause);
    install(*server, false);
  }
  EXPECT_TRUE(eventually([&] { return captures(process); }));
  const int before = opened;
  EXPECT_TRUE(eventually([&] { return opened > before + 20; }));
  ending = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed.load(), 0) << "of " << opened.load();
}

}  // namespace
}  // namespace loam::server
