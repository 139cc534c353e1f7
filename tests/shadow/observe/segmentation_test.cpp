// The way from bytes to counts with the real decoders: however the stream is cut, the counts are those of what was
// sent.
#include <gtest/gtest.h>

#include <random>

#include "shadow/decode/registry.h"
#include "tests/shadow/observe/bench.h"

namespace loam::observe {
namespace {

using relay::Direction;

/// One piece of a conversation: who says it, and what.
struct Turn {
  Direction direction;
  std::string bytes;
};

std::vector<Turn> httpConversation() {
  std::vector<Turn> turns;
  for (int i = 0; i < 20; ++i) {
    turns.push_back({Direction::Upstream,
                     "GET /users/" + std::to_string(i) + "?token=secret HTTP/1.1\r\nHost: Users.Example\r\n\r\n"});
    turns.push_back({Direction::Downstream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"});
  }
  turns.push_back(
      {Direction::Upstream,
       "POST /orders HTTP/1.1\r\nHost: users.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"});
  turns.push_back(
      {Direction::Downstream, "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"});
  return turns;
}

/// Plays `turns` cut into pieces of sizes that `cut` draws, honouring what the tap says it need not see.
void play(Bench& bench, relay::Tap& tap, const std::vector<Turn>& turns, const std::function<std::size_t()>& cut) {
  std::array<std::uint64_t, 2> unseen{};
  for (const Turn& turn : turns) {
    std::uint64_t& skip = unseen[static_cast<std::size_t>(turn.direction)];
    for (std::string_view left = turn.bytes; !left.empty();) {
      const std::string_view piece = left.substr(0, cut());
      left.remove_prefix(piece.size());
      bench.clock.advance(microseconds(50));
      if (skip >= piece.size()) {
        tap.onSkipped(turn.direction, piece.size(), bench.clock.now());
        if (skip != relay::Tap::kOpaque) skip -= piece.size();
      } else {
        if (skip > 0) tap.onSkipped(turn.direction, skip, bench.clock.now());
        skip = tap.onBytes(turn.direction, bytesOf(piece.substr(static_cast<std::size_t>(skip))), bench.clock.now());
      }
    }
  }
}

class SegmentationTest : public testing::TestWithParam<int> {
 protected:
  std::function<std::size_t()> cut() {
    if (GetParam() == 0) return [] { return std::string::npos; };
    if (GetParam() == 1) return [] { return std::size_t{1}; };
    return
        [random = std::mt19937(static_cast<unsigned>(GetParam()))]() mutable { return std::size_t{1} + random() % 40; };
  }
};

TEST_P(SegmentationTest, HttpCountsAreThoseOfWhatWasSent) {
  Bench bench(1, {}, decode::makeDetector);
  const auto turns = httpConversation();
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  play(bench, *tap, turns, cut());
  bench.close(tap);
  bench.seal();
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  for (const Turn& turn : turns) (turn.direction == Direction::Upstream ? sent : received) += turn.bytes.size();
  const auto http = bench.ofProtocol("http1");
  EXPECT_EQ(http.connections, 1u);
  EXPECT_EQ(http.requests, 21u);
  EXPECT_EQ(http.errors, 1u);
  EXPECT_EQ(http.bytesSent, sent);
  EXPECT_EQ(http.bytesReceived, received);
  EXPECT_EQ(bench.routes(), (std::map<std::string, std::uint64_t>{{"GET /users/{id}", 20}, {"POST /orders", 1}}));
  const auto names = bench.names.take();
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].name, "users.example");
  EXPECT_EQ(bench.aggregator.losses(), wire::Losses{});
}

TEST_P(SegmentationTest, AWebSocketIsOneUpgradeOneConnectionAndItsBytes) {
  Bench bench(1, {}, decode::makeDetector);
  const std::vector<Turn> turns{
      {Direction::Upstream,
       "GET /live HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
      {Direction::Downstream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
      {Direction::Upstream, std::string(1000, '\x81')},
      {Direction::Downstream, std::string(2000, '\x01')}};
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  play(bench, *tap, turns, cut());
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.total().requests, 1u);
  EXPECT_EQ(bench.total().connections, 1u);
  EXPECT_EQ(bench.ofProtocol("websocket").connections, 1u);
  EXPECT_EQ(bench.ofProtocol("websocket").bytesReceived, turns[1].bytes.size() + 2000);
}

TEST_P(SegmentationTest, GarbageIsOpaqueAndCountedToTheByte) {
  Bench bench(1, {}, decode::makeDetector);
  std::mt19937 random(5);
  std::vector<Turn> turns;
  std::uint64_t total = 0;
  for (int i = 0; i < 20; ++i) {
    std::string bytes(1 + random() % 500, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    bytes.front() = '\xfe';
    total += bytes.size();
    turns.push_back({i % 2 == 0 ? Direction::Upstream : Direction::Downstream, std::move(bytes)});
  }
  auto tap = bench.open("10.0.0.1:40000", "10.0.0.2:9999");
  play(bench, *tap, turns, cut());
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.ofProtocol("tcp").bytesSent + bench.ofProtocol("tcp").bytesReceived, total);
  EXPECT_EQ(bench.total().connections, 1u);
}

INSTANTIATE_TEST_SUITE_P(Cuts, SegmentationTest, testing::Values(0, 1, 2, 3, 4));

}  // namespace
}  // namespace loam::observe
