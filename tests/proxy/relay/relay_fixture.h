#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "proxy/io/stream.h"
#include "proxy/io/task_scope.h"
#include "proxy/relay/relay.h"
#include "tests/support/tcp_pair.h"

namespace loam::relay {

/// Remembers what it was shown. Answers each look with `skip`.
class RecordingTap final : public Tap {
 public:
  void onConnected(const Connected&) override {}
  std::uint64_t onBytes(Direction direction, std::span<const std::uint8_t> bytes, Monotonic) override {
    auto& log = seen[static_cast<std::size_t>(direction)];
    log.insert(log.end(), bytes.begin(), bytes.end());
    return skip;
  }
  void onSkipped(Direction direction, std::uint64_t count, Monotonic) override {
    skipped[static_cast<std::size_t>(direction)] += count;
    largestSkip = std::max(largestSkip, count);
  }
  void onEnd(Direction direction, Monotonic) override { ended[static_cast<std::size_t>(direction)] = true; }
  void onClosed(CloseReason, Monotonic) override {}

  std::uint64_t skip = 0;
  std::uint64_t largestSkip = 0;
  std::array<std::vector<std::uint8_t>, 2> seen;
  std::array<std::uint64_t, 2> skipped{};
  std::array<bool, 2> ended{};
};

/// client <-> downstream [relay] upstream <-> server, all on one loop.
class RelayFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::tie(client, downstream) = test::tcpPair(*loop);
    std::tie(upstream, server) = test::tcpPair(*loop);
  }
  void start() { scope.spawn(run()); }
  void turnUntil(const std::function<bool()>& done) {
    const Monotonic end = clock.now() + seconds(20);
    while (!done() && clock.now() < end) loop->turn(milliseconds(5));
    ASSERT_TRUE(done());
  }
  static std::vector<std::uint8_t> noise(std::size_t size, unsigned seed) {
    std::vector<std::uint8_t> bytes(size);
    std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (auto& byte : bytes) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      byte = static_cast<std::uint8_t>(state);
    }
    return bytes;
  }
  static io::Task<void> send(io::Socket& socket, std::vector<std::uint8_t> bytes, bool thenEnd) {
    const auto status = co_await io::writeAll(socket, bytes);
    if (status && thenEnd) ::shutdown(socket.fd(), SHUT_WR);
  }
  /// Reads until the end or a failure; `error` stays empty at an orderly end.
  static io::Task<void> receive(io::Socket& socket, std::vector<std::uint8_t>& out, std::optional<Error>& error,
                                bool& over) {
    std::array<std::uint8_t, 4096> buffer{};
    for (;;) {
      const auto count = co_await io::readSome(socket, buffer);
      if (!count) error = count.error();
      if (!count || *count == 0) break;
      out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
    }
    over = true;
  }

  SystemClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  std::unique_ptr<io::Socket> client, downstream, upstream, server;
  RecordingTap tap;
  std::unique_ptr<Resources> resources = std::make_unique<Resources>();
  Relayed progress;
  std::optional<CloseReason> reason;
  io::TaskScope scope;

  virtual io::Task<CloseReason> carry() { return relay(*downstream, *upstream, tap, *resources, progress); }

 private:
  io::Task<void> run() {
    reason = co_await carry();
    downstream.reset();
    upstream.reset();
  }
};

}  // namespace loam::relay
