#include "proxy/io/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "proxy/io/dial.h"
#include "proxy/io/task_scope.h"

namespace loam::io {
namespace {

class ListenerTest : public testing::Test {
 protected:
  SocketAddress anyPort = *SocketAddress::parse("127.0.0.1:0");
  SystemClock clock;
  std::unique_ptr<EventLoop> loop = *EventLoop::make(clock);
};

Task<void> acceptForever(Listener& listener, std::vector<Accepted>& accepted) {
  for (;;) {
    auto next = co_await listener.accept();
    if (!next) co_return;
    accepted.push_back(*std::move(next));
  }
}

Task<void> connectOnce(EventLoop& loop, DialOptions options, Result<std::unique_ptr<Socket>>& out) {
  out = co_await dial(loop, options);
}

TEST_F(ListenerTest, AcceptsWhatIsDialled) {
  auto listener = *Listener::bind(*loop, anyPort);
  std::vector<Accepted> accepted;
  Result<std::unique_ptr<Socket>> dialled = nullptr;
  TaskScope scope;
  scope.spawn(acceptForever(*listener, accepted));
  scope.spawn(connectOnce(*loop, {.destination = listener->address(), .source = {}}, dialled));
  for (int i = 0; i < 100 && accepted.empty(); ++i) loop->turn(milliseconds(10));
  ASSERT_EQ(accepted.size(), 1u);
  ASSERT_TRUE(dialled && *dialled);
  EXPECT_EQ(accepted.front().peer.ip.text(), "127.0.0.1");
}

TEST_F(ListenerTest, ARefusedDialNamesTheUpstream) {
  const SocketAddress gone = (*Listener::bind(*loop, anyPort))->address();
  Result<std::unique_ptr<Socket>> dialled = nullptr;
  TaskScope scope;
  scope.spawn(connectOnce(*loop, {.destination = gone, .source = {}}, dialled));
  for (int i = 0; i < 100 && scope.size() != 0; ++i) loop->turn(milliseconds(10));
  ASSERT_FALSE(dialled);
  EXPECT_EQ(dialled.error().code, ErrorCode::Refused);
  EXPECT_EQ(dialled.error().origin, ErrorOrigin::Upstream);
}

TEST_F(ListenerTest, ATakenPortIsAConflictThatNamesIt) {
  const auto first = *Listener::bind(*loop, anyPort);
  const auto second = Listener::bind(*loop, first->address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_NE(second.error().context.find(first->address().text()), std::string::npos);
}

TEST_F(ListenerTest, G4_DescriptorExhaustionPausesInsteadOfSpinning) {
  auto listener = *Listener::bind(*loop, anyPort);
  std::vector<Accepted> accepted;
  TaskScope scope;
  scope.spawn(acceptForever(*listener, accepted));

  // Three clients wait in the queue while no descriptor is left.
  std::vector<Descriptor> clients;
  sockaddr_storage storage{};
  const socklen_t length = listener->address().to(storage);
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(clients.back().get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  }
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = static_cast<rlim_t>(::dup(0)) + 1;
  ::close(static_cast<int>(limit.rlim_cur) - 1);
  std::vector<Descriptor> fill;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) fill.emplace_back(fd);

  const std::uint64_t turnsBefore = loop->turns();
  const Monotonic end = clock.now() + milliseconds(150);
  while (clock.now() < end) loop->turn(milliseconds(20));
  EXPECT_LE(loop->turns() - turnsBefore, 30u);
  EXPECT_GE(listener->exhausted(), 1u);
  EXPECT_TRUE(accepted.empty());

  fill.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < 100 && accepted.empty(); ++i) loop->turn(milliseconds(20));
  EXPECT_GE(accepted.size(), 1u);
}

TEST_F(ListenerTest, AStaleUnixSocketIsReplacedAndALiveOneIsNot) {
  const std::string path = testing::TempDir() + "listener_test_" + std::to_string(::getpid()) + ".sock";
  {
    const auto first = Listener::bindUnix(*loop, path);
    ASSERT_TRUE(first) << first.error().describe();
    const auto second = Listener::bindUnix(*loop, path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  }
  EXPECT_TRUE(Listener::bindUnix(*loop, path));
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace loam::io
