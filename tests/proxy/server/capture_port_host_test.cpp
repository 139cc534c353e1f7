#include <gtest/gtest.h>
#include <sys/socket.h>

#include "proxy/relay/silent_tap.h"
#include "proxy/server/server.h"
#include "tests/proxy/guard/host.h"

namespace loam::server {
namespace {

class CapturePortHostTest : public guard::HostTest {};

TEST_F(CapturePortHostTest, WhoConnectsToItWithoutBeingRedirectedIsResetAndNotRelayedToItself) {
  guard::Child upstream = guard::startServer(8080);
  guard::GuardProcess process({"--outbound", "--inbound", "all"});
  Settings settings;
  settings.workers = 2;
  settings.guard = process.socket();
  const SystemClock clock;
  Log log(LogLevel::Error, -1);
  const auto taps = [](unsigned) { return std::make_unique<relay::SilentTapFactory>(); };
  const auto server = Server::start(settings, clock, log, taps);
  ASSERT_TRUE(server) << server.error().describe();
  ASSERT_TRUE(guard::eventually([&] { return process.client().showCapture()->alive; }));
  const auto count = [&](Counter Counters::*member) {
    std::uint64_t sum = 0;
    for (const Counters* counters : (*server)->counters()) sum += (counters->*member).get();
    return sum;
  };
  std::uint64_t expected = 0;
  for (const char* port : {"10.77.0.1:7410", "10.77.0.1:7411", "[fd77::1]:7410", "[fd77::1]:7411"}) {
    Descriptor client;
    far_.within([&] { client = guard::dial(port); });
    ASSERT_TRUE(client) << port;
    char byte = 0;
    errno = 0;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1) << port;
    EXPECT_EQ(errno, ECONNRESET) << port;
    EXPECT_EQ(count(&Counters::accepted), ++expected) << port;
    EXPECT_EQ(count(&Counters::loopsRefused), expected) << port;
  }
}

}  // namespace
}  // namespace loam::server
