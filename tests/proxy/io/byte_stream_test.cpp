#include "proxy/io/byte_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "proxy/io/task_scope.h"

namespace loam::io {
namespace {

/// A socket as a stream, on one end of a pair.
class ByteStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    near = plainStream(*Socket::adopt(*loop, Descriptor(ends[0])));
    far = plainStream(*Socket::adopt(*loop, Descriptor(ends[1])));
  }
  void turnUntilIdle(const TaskScope& scope) {
    for (int i = 0; i < 2000 && scope.size() != 0; ++i) loop->turn(milliseconds(5));
    ASSERT_EQ(scope.size(), 0u);
  }

  SystemClock clock;
  std::unique_ptr<EventLoop> loop = *EventLoop::make(clock);
  std::unique_ptr<ByteStream> near;
  std::unique_ptr<ByteStream> far;
};

Task<void> openThenSend(ByteStream& stream, std::vector<std::uint8_t> bytes, Status& status) {
  status = co_await stream.open(kNever);
  if (status) status = co_await stream.write(bytes, kNever);
  stream.endWriting();
}

Task<void> receiveAll(ByteStream& stream, std::vector<std::uint8_t>& out, Status& status, Monotonic deadline) {
  std::array<std::uint8_t, 1000> piece{};
  for (;;) {
    const auto count = co_await stream.read(piece, deadline);
    if (!count) status = fail(count.error());
    if (!count || *count == 0) co_return;
    out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

TEST_F(ByteStreamTest, ASocketIsOpenAtOnceAndProvesNobody) {
  const std::vector<std::uint8_t> bytes(1'000'000, 7);
  std::vector<std::uint8_t> received;
  Status sent = fail(ErrorCode::Io, "never ended");
  Status read;
  TaskScope scope;
  scope.spawn(openThenSend(*near, bytes, sent));
  scope.spawn(receiveAll(*far, received, read, kNever));
  turnUntilIdle(scope);
  EXPECT_TRUE(sent && read);
  EXPECT_EQ(received, bytes);
  EXPECT_EQ(near->peerIdentity().id, "");
}

TEST_F(ByteStreamTest, EndingOneDirectionLeavesTheOther) {
  std::vector<std::uint8_t> atFar;
  std::vector<std::uint8_t> atNear;
  Status status;
  TaskScope scope;
  scope.spawn(openThenSend(*near, {1}, status));
  scope.spawn(receiveAll(*far, atFar, status, kNever));
  turnUntilIdle(scope);
  scope.spawn(openThenSend(*far, {2, 3}, status));
  scope.spawn(receiveAll(*near, atNear, status, kNever));
  turnUntilIdle(scope);
  EXPECT_EQ(atFar, std::vector<std::uint8_t>{1});
  EXPECT_EQ(atNear, (std::vector<std::uint8_t>{2, 3}));
}

TEST_F(ByteStreamTest, CuttingWakesAReader) {
  std::vector<std::uint8_t> received;
  Status status;
  TaskScope scope;
  scope.spawn(receiveAll(*near, received, status, kNever));
  loop->turn(milliseconds(0));
  EXPECT_EQ(scope.size(), 1u);
  near->cut();
  turnUntilIdle(scope);
}

TEST_F(ByteStreamTest, ADeadlineEndsARead) {
  std::vector<std::uint8_t> received;
  Status status;
  TaskScope scope;
  scope.spawn(receiveAll(*near, received, status, clock.now() + milliseconds(30)));
  turnUntilIdle(scope);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::Timeout);
}

}  // namespace
}  // namespace loam::io
