#include <csignal>
#include <thread>

#include "tests/proxy/guard/host.h"
#include "tests/proxy/guard/tiny_proxy.h"

namespace loam::guard {
namespace {

/// How long after an event new connections meet the server itself again.
class DeadManHostTest : public HostTest {
 protected:
  static bool direct() {
    const Descriptor client = dial("127.0.0.1:8080", milliseconds(50));
    return client && readLine(client.get()) == localName(client.get());
  }
  static milliseconds untilDirect() {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually(direct, milliseconds(20000)));
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  }
  void SetUp() override {
    HostTest::SetUp();
    if (!IsSkipped()) server_ = startServer(8080);
  }
  /// The proxy dials from another port: what the server sees is not what the client has.
  static void expectCaptured() { EXPECT_FALSE(direct()); }

  Child server_;
};

TEST_F(DeadManHostTest, KillingTheProxySendsNewConnectionsDirectWithin200ms) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  expectCaptured();
  proxy.process().signal(SIGKILL);
  EXPECT_LT(untilDirect(), milliseconds(200));
  EXPECT_EQ(guard.client().showCapture()->proxyPid, 0u);
}

TEST_F(DeadManHostTest, KillingTheGuardSendsNewConnectionsDirectWithinFourSeconds) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  expectCaptured();
  guard.process().signal(SIGKILL);
  EXPECT_LT(untilDirect(), milliseconds(4000));
}

TEST_F(DeadManHostTest, KillingBothSendsNewConnectionsDirectWithinFourSeconds) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  expectCaptured();
  guard.process().signal(SIGKILL);
  proxy.process().signal(SIGKILL);
  EXPECT_LT(untilDirect(), milliseconds(4000));
}

TEST_F(DeadManHostTest, OneSilentWorkerOfTwoRevokesWithinThreeSeconds) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket(), 2);
  expectCaptured();
  proxy.silenceWorker();
  EXPECT_LT(untilDirect(), milliseconds(3000));
  EXPECT_EQ(guard.client().showCapture()->whyNotAlive, "workers without a heartbeat: 1");
}

TEST_F(DeadManHostTest, AStoppedProxyIsLetGoAndTakenBackWhenItGoesOn) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket(), 2);
  expectCaptured();
  proxy.process().signal(SIGSTOP);
  EXPECT_LT(untilDirect(), milliseconds(4000));
  proxy.process().signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return guard.client().showCapture()->alive; }));
  const int before = proxy.outbound();
  const Descriptor client = dial("127.0.0.1:8080");
  EXPECT_NE(readLine(client.get()), "");
  EXPECT_GT(proxy.outbound(), before);
}

TEST_F(DeadManHostTest, CaptureStaysAliveWhileAllWorkersBeat) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket(), 4);
  for (int i = 1; i <= 50; ++i) {
    const Descriptor client = dial("127.0.0.1:8080");
    ASSERT_NE(readLine(client.get()), "");
    ASSERT_EQ(proxy.outbound(), i);
    std::this_thread::sleep_for(milliseconds(100));
  }
}

TEST_F(DeadManHostTest, AReleasedProxyGoesOnRelayingWhileNewConnectionsGoDirect) {
  GuardProcess guard({"--outbound"});
  TinyProxy proxy(guard.socket());
  const Descriptor relayed = dial("127.0.0.1:8080");
  ASSERT_NE(readLine(relayed.get()), "");
  proxy.process().signal(SIGTERM);
  untilDirect();
  EXPECT_TRUE(echoes(relayed.get(), "still relayed"));
  TinyProxy next(guard.socket());
  EXPECT_EQ(next.error(), "");
  const int before = proxy.outbound();
  const Descriptor young = dial("127.0.0.1:8080");
  EXPECT_NE(readLine(young.get()), "");
  EXPECT_EQ(proxy.outbound() + next.outbound(), before + 1);
  EXPECT_TRUE(echoes(relayed.get(), "still relayed"));
}

}  // namespace
}  // namespace loam::guard
