#include "proxy/guard/guard.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <optional>

#include "proxy/guard/preflight.h"
#include "proxy/guard/unix_socket.h"
#include "tests/proxy/guard/host.h"
#include "tests/proxy/guard/tiny_proxy.h"

namespace loam::guard {
namespace {

class GuardTest : public HostTest {
 protected:
  static Descriptor page(std::size_t size) {
    Descriptor page(::memfd_create("page", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(page.get(), static_cast<off_t>(size)), 0);
    return page;
  }
};

TEST_F(GuardTest, ASecondProxyIsRefusedUntilTheFirstReleasesOrDies) {
  GuardProcess guard({"--outbound"});
  TinyProxy first(guard.socket());
  ASSERT_EQ(first.error(), "");
  {
    TinyProxy second(guard.socket());
    EXPECT_NE(second.error().find("loam-proxy " + std::to_string(first.process().pid()) + " is attached"),
              std::string::npos)
        << second.error();
    EXPECT_EQ(second.error().find('\n'), std::string::npos);
  }
  EXPECT_TRUE(guard.client().showCapture()->alive);
  first.process().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return guard.client().showCapture()->proxyPid == 0; }));
  TinyProxy third(guard.socket());
  EXPECT_EQ(third.error(), "");
  third.process().end();
  EXPECT_TRUE(eventually([&] { return guard.client().showCapture()->proxyPid == 0; }));
  TinyProxy fourth(guard.socket());
  EXPECT_EQ(fourth.error(), "");
}

/// A proxy's line to the guard, without a proxy behind it: worker counters that stand at 1.
struct Attachment {
  Attachment(GuardProcess& guard, const Descriptor& beats) : client(guard.client()) {
    const std::uint64_t beaten = 1;
    EXPECT_EQ(::pwrite(beats.get(), &beaten, sizeof beaten, 0), 8);
    CaptureTerms terms;
    const auto listeners = client.attach(1, beats.get(), terms);
    if (!listeners) error = listeners.error().context;
  }
  GuardClient client;
  std::string error;
};

TEST_F(GuardTest, ASuccessorTakesCaptureOverWithoutAGap) {
  GuardProcess guard({"--outbound"});
  const Descriptor beats = page(sizeof(std::uint64_t));
  Attachment first(guard, beats);
  ASSERT_TRUE(first.client.engage());
  auto left = std::async(std::launch::async, [&] { return first.client.release(true); });
  std::optional<Attachment> next;
  EXPECT_TRUE(eventually([&] { return next.emplace(guard, beats).error.empty(); }));
  Attachment third(guard, beats);
  EXPECT_NE(third.error.find("is attached to this guard"), std::string::npos) << third.error;
  EXPECT_TRUE(guard.client().showCapture()->alive);
  EXPECT_EQ(left.wait_for(milliseconds(0)), std::future_status::timeout) << "it goes on until the successor engages";
  ASSERT_TRUE(next->client.engage());
  const auto departure = left.get();
  ASSERT_TRUE(departure);
  EXPECT_TRUE(departure->succeeded);
  EXPECT_TRUE(guard.client().showCapture()->alive);
  first.client = guard.client();  // the old session's end is no news
  EXPECT_TRUE(guard.client().showCapture()->alive);
}

TEST_F(GuardTest, CaptureOfAProxyThatLeavesEndsWhenNoSuccessorComes) {
  GuardProcess guard({"--outbound"});
  const Descriptor beats = page(sizeof(std::uint64_t));
  Attachment only(guard, beats);
  ASSERT_TRUE(only.client.engage());
  const auto departure = only.client.release(true);
  ASSERT_TRUE(departure);
  EXPECT_FALSE(departure->succeeded);
  EXPECT_FALSE(guard.client().showCapture()->alive);
  EXPECT_EQ(guard.client().showCapture()->proxyPid, 0u);
}

TEST_F(GuardTest, ASuccessorThatDiesBeforeItEngagesChangesNothing) {
  GuardProcess guard({"--outbound"});
  const Descriptor beats = page(sizeof(std::uint64_t));
  Attachment first(guard, beats);
  ASSERT_TRUE(first.client.engage());
  auto left = std::async(std::launch::async, [&] { return first.client.release(true); });
  EXPECT_TRUE(eventually([&] { return Attachment(guard, beats).error.empty(); }));
  EXPECT_TRUE(eventually([&] { return Attachment(guard, beats).error.empty(); }));
  const auto departure = left.get();
  ASSERT_TRUE(departure);
  EXPECT_FALSE(departure->succeeded);
  EXPECT_EQ(guard.client().showCapture()->proxyPid, 0u);
}

TEST_F(GuardTest, ASecondGuardOfTheSameHostIsRefused) {
  GuardProcess guard({"--outbound"});
  Child second = Child::exec({LOAM_GUARD_PATH, "--socket", guard.socket() + "2"});
  EXPECT_EQ(second.wait(milliseconds(5000)), 1);
  far_.within([&] {
    GuardProcess elsewhere;
    EXPECT_TRUE(elsewhere.client().showCapture());
  });
}

TEST_F(GuardTest, EndingItLeavesTheHostAsItWas) {
  const std::string before = hostState();
  GuardProcess guard({"--outbound", "--inbound", "all"});
  TinyProxy proxy(guard.socket());
  EXPECT_NE(hostState(), before);
  guard.process().signal(SIGTERM);
  EXPECT_EQ(guard.process().wait(milliseconds(5000)), 0);
  EXPECT_EQ(hostState(), before);
  EXPECT_NE(::access(guard.socket().c_str(), F_OK), 0);
}

TEST_F(GuardTest, EndingItWaitsForRelayedConnectionsUnlessToldTwice) {
  Child server = startServer(8080);
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  const Descriptor relayed = dial("127.0.0.1:8080");
  ASSERT_NE(readLine(relayed.get()), "");
  guard.process().signal(SIGTERM);
  EXPECT_EQ(guard.process().wait(milliseconds(1000)), -1);
  EXPECT_TRUE(echoes(relayed.get(), "still relayed"));
  guard.process().signal(SIGTERM);
  EXPECT_EQ(guard.process().wait(milliseconds(5000)), 0);
  EXPECT_EQ(shell("nft list ruleset"), "");
}

TEST_F(GuardTest, ConnectionsThatWaitSurviveARestartOfTheProxyWithFewerWorkers) {
  Child server = startServer(8080);
  GuardProcess guard({"--outbound"});
  GuardClient first = guard.client();
  CaptureTerms terms;
  const Descriptor beats = page(8 * sizeof(std::uint64_t));
  ASSERT_TRUE(first.attach(8, beats.get(), terms));
  std::vector<std::uint64_t> counters(8, 1);
  ASSERT_EQ(::pwrite(beats.get(), counters.data(), 64, 0), 64);
  ASSERT_TRUE(first.engage());
  std::vector<Descriptor> waiting;
  for (int i = 0; i < 40; ++i) waiting.push_back(dial("127.0.0.1:8080"));
  ASSERT_TRUE(first.release(false));
  TinyProxy next(guard.socket(), 1);
  ASSERT_EQ(next.error(), "");
  for (const Descriptor& socket : waiting) EXPECT_NE(readLine(socket.get()), "");
  EXPECT_EQ(next.outbound(), 40);
  next.process().end();
  EXPECT_TRUE(eventually([&] { return guard.client().showCapture()->proxyPid == 0; }));
  const auto shrunk = first.attach(2, beats.get(), terms);
  ASSERT_TRUE(shrunk) << shrunk.error().context;
  EXPECT_EQ(shrunk->outbound.size(), 2u);
  EXPECT_EQ(shrunk->inbound.size(), 2u);
}

TEST_F(GuardTest, ConnectionsThatWaitForAProxyThatDiedAreResetAndHoldNothingUp) {
  Child server = startServer(8080);
  const std::string before = shell("nft list ruleset");
  GuardProcess guard({"--outbound"});
  const Descriptor beats = page(sizeof(std::uint64_t));
  std::optional<Attachment> dead(std::in_place, guard, beats);
  ASSERT_TRUE(dead->client.engage());
  const Descriptor waiting = dial("127.0.0.1:8080");
  ASSERT_TRUE(waiting);
  dead.reset();
  guard.process().signal(SIGTERM);
  EXPECT_EQ(guard.process().wait(milliseconds(8000)), 0);
  char byte = 0;
  EXPECT_EQ(::recv(waiting.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(shell("nft list ruleset"), before);
}

TEST_F(GuardTest, StrangersAreTurnedAway) {
  GuardProcess guard({"--user", "54321"});
  ASSERT_EQ(::chmod(guard.socket().c_str(), 0666), 0);
  Child stranger = Child::run([&] {
    if (::setuid(60000) != 0) return 2;
    auto client = GuardClient::connect(guard.socket());
    const auto view = client ? client->showCapture() : Result<CaptureView>(fail(client.error()));
    return !view && view.error().code == ErrorCode::Denied ? 0 : 1;
  });
  EXPECT_EQ(stranger.wait(milliseconds(5000)), 0);
  Child proxyUser = Child::run([&] {
    if (::setuid(54321) != 0) return 2;
    auto client = GuardClient::connect(guard.socket());
    if (!client || !client->showCapture()) return 1;
    const auto applied = client->applyCapture({});
    const auto removed = client->removeCapture(true);
    return !applied && applied.error().code == ErrorCode::Denied && !removed ? 0 : 3;
  });
  EXPECT_EQ(proxyUser.wait(milliseconds(5000)), 0);
}

TEST_F(GuardTest, AProxyWhoseDialsCouldNotBeToldApartIsRefused) {
  GuardProcess guard({"--outbound"});
  // Root without capabilities may ask, but it can set no mark, and root's uid is never what excludes.
  Child bare = Child::run([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    if (::syscall(SYS_capset, &header, none) != 0) return 2;
    auto client = GuardClient::connect(guard.socket());
    const Descriptor beats = page(8);
    CaptureTerms terms;
    const auto attached = client ? client->attach(1, beats.get(), terms) : Result<Listeners>(fail(client.error()));
    return !attached && attached.error().code == ErrorCode::Denied ? 0 : 1;
  });
  EXPECT_EQ(bare.wait(milliseconds(5000)), 0);
}

TEST_F(GuardTest, HostileBytesCostTheirSenderOnly) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  const std::vector<std::string> hostile{"x", std::string("\x01\x63", 2),
                                         std::string("\x01\x05", 2) + std::string(200, '\xff'), std::string(50000, 'A'),
                                         std::string("\x01\x00\xff\xff", 4)};
  for (const std::string& bytes : hostile) {
    const auto socket = unix_socket::connect(guard.socket());
    ASSERT_TRUE(socket);
    ASSERT_TRUE(unix_socket::send(socket->get(), bytes, {socket->get(), socket->get()}));
    std::vector<Descriptor> none;
    const auto answer = unix_socket::receive(socket->get(), none);
    ASSERT_TRUE(answer) << answer.error().context;
    std::string body;
    EXPECT_FALSE(protocol::collect(*answer, body));
  }
  std::vector<Descriptor> idle;
  for (int i = 0; i < 80; ++i) {
    if (auto socket = unix_socket::connect(guard.socket())) idle.push_back(std::move(*socket));
  }
  idle.clear();
  EXPECT_TRUE(eventually([&] { return guard.client().showCapture().has_value(); }));
  EXPECT_TRUE(guard.client().showCapture()->alive);
}

TEST_F(GuardTest, AttachingNeedsAPageThatHoldsTheCounters) {
  GuardProcess guard;
  GuardClient client = guard.client();
  CaptureTerms terms;
  const Descriptor small = page(8);
  EXPECT_EQ(client.attach(2, small.get(), terms).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(client.attach(0, small.get(), terms).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(client.attach(5000, small.get(), terms).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(client.attach(1, -1, terms).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(client.engage().error().code, ErrorCode::Conflict);
  ASSERT_TRUE(client.attach(1, small.get(), terms));
  ASSERT_TRUE(client.engage());
  // A page that shrinks afterwards is silence, not a crash.
  ASSERT_EQ(::ftruncate(small.get(), 0), 0);
  ::usleep(600'000);
  EXPECT_TRUE(client.showCapture());
}

TEST_F(GuardTest, ClientsLearnThatTheGuardWentAway) {
  GuardProcess guard;
  GuardClient client = guard.client();
  guard.process().end();
  EXPECT_EQ(client.showCapture().error().code, ErrorCode::Closed);
  EXPECT_EQ(client.facts().error().code, ErrorCode::Closed);
}

TEST_F(GuardTest, ADryRunTellsTheRulesAndChangesNothing) {
  const std::string before = hostState();
  GuardProcess guard;
  CaptureSettings settings;
  settings.outbound = true;
  settings.excludePorts = {22};
  const auto text = guard.client().applyCapture(settings, true);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("tcp dport { 22 } return"), std::string::npos);
  EXPECT_EQ(hostState(), before);
  ASSERT_TRUE(guard.client().applyCapture(settings));
  const auto view = guard.client().showCapture();
  EXPECT_TRUE(view->applied);
  EXPECT_FALSE(view->alive);
  EXPECT_EQ(view->whyNotAlive, "no loam-proxy is attached");
  EXPECT_EQ(view->settings, settings);
  EXPECT_NE(view->rules.find("chain outbound"), std::string::npos);
}

TEST_F(GuardTest, FactsNameOwnersAndDnsAnswers) {
  Child server = startServer(8080);
  GuardProcess guard({"--outbound"});
  GuardClient client = guard.client();
  const auto before = client.facts();
  ASSERT_TRUE(before) << before.error().context;
  const auto listener = std::find_if(before->sockets.begin(), before->sockets.end(),
                                     [](const SocketFact& fact) { return fact.listening && fact.local.port == 8080; });
  ASSERT_NE(listener, before->sockets.end());
  EXPECT_EQ(listener->exe, "guard_host_test");
  EXPECT_NE(listener->pid, 0u);

  // A resolver's answer: www.demo has 192.0.2.7.
  constexpr char kAnswer[] =
      "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x03www\x04"
      "demo\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07";
  const Descriptor resolver(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Descriptor stub(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in to = from;
  from.sin_port = htons(53);
  to.sin_port = htons(5353);
  ASSERT_EQ(::bind(resolver.get(), reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
  ASSERT_EQ(::bind(stub.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  ASSERT_GT(::sendto(resolver.get(), kAnswer, sizeof kAnswer - 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  std::vector<DnsFact> dns;
  EXPECT_TRUE(eventually([&] {
    const auto facts = client.facts();
    dns = facts ? facts->dns : dns;
    return !dns.empty();
  }));
  ASSERT_EQ(dns.size(), 1u);
  EXPECT_EQ(dns[0].name, "www.demo");
  EXPECT_EQ(dns[0].address.text(), "192.0.2.7");
  EXPECT_EQ(dns[0].ttl, 60u);
  EXPECT_TRUE(client.facts()->dns.empty());
}

TEST_F(GuardTest, PreflightIsContentHereAndFindsWhatIsInTheWay) {
  const auto verdictOf = [](const std::string& id) {
    for (const PreflightCheck& check : preflight(Footprint{})) {
      if (check.id == id) return check;
    }
    return PreflightCheck{};
  };
  const std::string before = hostState();
  for (const PreflightCheck& check : preflight(Footprint{})) {
    if (check.id == "LD-0111") continue;  // the sandbox's own setting
    EXPECT_EQ(check.verdict, PreflightCheck::Verdict::Ok) << check.id << " " << check.measured;
  }
  EXPECT_EQ(hostState(), before);
  Child taker = startServer(7410);
  EXPECT_EQ(verdictOf("LD-0105").verdict, PreflightCheck::Verdict::Fail);
  EXPECT_NE(verdictOf("LD-0105").measured.find("guard_host_test (pid "), std::string::npos)
      << verdictOf("LD-0105").measured;
  shell("ip rule add fwmark 0x4c6f616e lookup 9");
  EXPECT_EQ(verdictOf("LD-0107").verdict, PreflightCheck::Verdict::Fail);
  shell("ip rule del fwmark 0x4c6f616e lookup 9; nft add table inet loam");
  EXPECT_EQ(verdictOf("LD-0110").verdict, PreflightCheck::Verdict::Warn);
}

TEST_F(GuardTest, APortThatIsTakenIsOneClearLine) {
  Child taker = startServer(7410);
  GuardProcess guard;
  TinyProxy proxy(guard.socket());
  EXPECT_EQ(proxy.error(), "port 7410 is taken by another program: choose another listener port");
}

}  // namespace
}  // namespace loam::guard
