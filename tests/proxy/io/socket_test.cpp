#include "proxy/io/socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "proxy/io/stream.h"
#include "proxy/io/task_scope.h"

namespace loam::io {
namespace {

class SocketTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    near = *Socket::adopt(*loop, Descriptor(ends[0]));
    far = *Socket::adopt(*loop, Descriptor(ends[1]));
  }
  void turnUntilIdle(const TaskScope& scope) {
    for (int i = 0; i < 2000 && scope.size() != 0; ++i) loop->turn(milliseconds(5));
    ASSERT_EQ(scope.size(), 0u);
  }

  SystemClock clock;
  std::unique_ptr<EventLoop> loop = *EventLoop::make(clock);
  std::unique_ptr<Socket> near;
  std::unique_ptr<Socket> far;
};

Task<void> sendAll(Socket& socket, const std::vector<std::uint8_t>& bytes, Status& status) {
  status = co_await writeAll(socket, bytes);
  ::shutdown(socket.fd(), SHUT_WR);
}

Task<void> receiveAll(Socket& socket, std::vector<std::uint8_t>& out) {
  std::array<std::uint8_t, 1000> buffer{};
  for (;;) {
    const auto count = co_await readSome(socket, buffer);
    if (!count || *count == 0) co_return;
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

TEST_F(SocketTest, CarriesMoreThanTheKernelHolds) {
  std::vector<std::uint8_t> bytes(5'000'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + (i >> 11));
  std::vector<std::uint8_t> received;
  Status status;
  TaskScope scope;
  scope.spawn(sendAll(*near, bytes, status));
  scope.spawn(receiveAll(*far, received));
  turnUntilIdle(scope);
  EXPECT_TRUE(status);
  EXPECT_EQ(received, bytes);
}

Task<void> readOnce(Socket& socket, Monotonic deadline, Result<std::size_t>& result) {
  std::array<std::uint8_t, 16> buffer{};
  result = co_await readSome(socket, buffer, deadline);
}

TEST_F(SocketTest, ADeadlineEndsAWait) {
  Result<std::size_t> result = 0;
  TaskScope scope;
  scope.spawn(readOnce(*near, clock.now() + milliseconds(30), result));
  turnUntilIdle(scope);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Timeout);
}

TEST_F(SocketTest, DroppingTheWaiterLeavesTheSocketUsable) {
  Result<std::size_t> result = 0;
  {
    TaskScope scope;
    scope.spawn(readOnce(*near, kNever, result));
  }
  const std::uint8_t byte = 1;
  ASSERT_TRUE(far->write({&byte, 1}));
  TaskScope scope;
  scope.spawn(readOnce(*near, kNever, result));
  turnUntilIdle(scope);
  EXPECT_EQ(*result, 1u);
}

TEST_F(SocketTest, TheEndOfTheStreamIsZeroAndWritingBeyondItIsReset) {
  far.reset();
  Result<std::size_t> result = 7;
  TaskScope scope;
  scope.spawn(readOnce(*near, kNever, result));
  turnUntilIdle(scope);
  EXPECT_EQ(*result, 0u);
  const std::uint8_t byte = 1;
  const auto written = near->write({&byte, 1});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::Reset);
}

Task<void> eitherOnce(Socket& a, Socket& b, int& wakes) {
  co_await Socket::either(a, b);
  ++wakes;
}

TEST_F(SocketTest, EitherWakesForOneOfTwo) {
  for (int i = 0; i < 4; ++i) loop->turn(milliseconds(1));  // the first edges: both writable
  int wakes = 0;
  TaskScope scope;
  scope.spawn(eitherOnce(*near, *far, wakes));
  loop->turn(milliseconds(1));
  EXPECT_EQ(wakes, 0);
  const std::uint8_t byte = 1;
  ASSERT_TRUE(near->write({&byte, 1}));
  turnUntilIdle(scope);
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(far->mayRead());
}

}  // namespace
}  // namespace loam::io
