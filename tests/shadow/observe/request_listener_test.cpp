#include "proxy/filter/request_listener.h"

#include <gtest/gtest.h>

#include "shadow/decode/registry.h"
#include "tests/shadow/observe/bench.h"
#include "tests/support/http2_peers.h"

namespace loam::observe {
namespace {

using relay::Direction;

/// Writes down what it is told, times in milliseconds since it was made.
class WritingListener final : public filter::RequestListener {
 public:
  explicit WritingListener(const Clock& clock) : clock_(clock), since_(clock.now()) {}
  void onMoved(Direction direction, Monotonic) override { log += direction == Direction::Upstream ? "> " : "< "; }
  void onRequestHead(const filter::ExchangeView& view, Monotonic now) override {
    EXPECT_EQ(now, clock_.now());
    log += "head " + std::to_string(view.number) + " " + std::string(view.method) + " " + std::string(view.authority) +
           " " + std::string(view.path) + " " + std::to_string(view.headers.size()) + "; ";
  }
  void onExchange(std::uint32_t number, Monotonic answered, Monotonic ended) override {
    log += "end " + std::to_string(number) + " " + millis(answered) + " " + millis(ended) + "; ";
  }
  std::string take() { return std::exchange(log, {}); }

  std::string log;

 private:
  std::string millis(Monotonic time) const {
    return std::to_string(std::chrono::duration_cast<milliseconds>(time - since_).count());
  }
  const Clock& clock_;
  const Monotonic since_;
};

/// A connection that is observed by the real decoders.
class RequestListenerTest : public testing::Test {
 protected:
  void client(std::string_view bytes) { bench.say(*tap, bytes, Direction::Upstream); }
  void server(std::string_view bytes) { bench.say(*tap, bytes, Direction::Downstream); }

  static constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  Bench bench{1, {}, decode::makeDetector};
  std::unique_ptr<relay::Tap> tap = bench.open("10.0.0.1:40000", "10.0.0.2:80");
  WritingListener listener{bench.clock};
};

TEST_F(RequestListenerTest, IsToldRequestsAsTheyPassAndHowTheyEnd) {
  tap->tellRequestsTo(&listener);
  client(
      "GET /a?b HTTP/1.1\r\nHost: shop\r\n\r\nPOST http://other/c HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(listener.take(), "> head 1 GET shop /a?b 1; head 2 POST other http://other/c 2; ")
      << "the authority of an absolute target is the request's, as who serves it has it";
  bench.clock.advance(milliseconds(5));
  client("xy");
  bench.clock.advance(milliseconds(5));
  server(kOk.substr(0, 20));
  bench.clock.advance(milliseconds(5));
  server(kOk.substr(20));
  EXPECT_EQ(listener.take(), "> < < end 1 10 15; ");
  bench.clock.advance(milliseconds(5));
  bench.close(tap, relay::CloseReason::UpstreamReset);
  EXPECT_EQ(listener.take(), "end 2 20 20; ") << "which was never answered";
}

TEST_F(RequestListenerTest, MayComeAndGoWhileTheConnectionLives) {
  client("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  tap->tellRequestsTo(&listener);
  server(kOk);
  client("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(listener.take(), "< end 1 0 0; > head 2 GET a /2 1; ");
  bench.factories[0]->flush(bench.clock.now());
  server(kOk);
  EXPECT_EQ(listener.take(), "< end 2 0 0; ");
  tap->tellRequestsTo(nullptr);
  client("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  server(kOk);
  bench.factories[0]->flush(bench.clock.now());
  client("GET /4 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(listener.take(), "");
  bench.close(tap);
  bench.seal();
  EXPECT_EQ(bench.total().requests, 4u);
}

TEST_F(RequestListenerTest, IsToldOfStreamsByTheirNumber) {
  tap->tellRequestsTo(&listener);
  const decode::test::Fields answer{{":status", "200"}};
  decode::test::Http2Peers peers;
  peers.submit(
      {{{":method", "GET"}, {":scheme", "http"}, {":authority", "shop"}, {":path", "/a"}}, "", answer, "x", {}});
  peers.submit(
      {{{":method", "GET"}, {":scheme", "http"}, {":authority", "shop"}, {":path", "/b"}}, "", answer, "y", {}});
  peers.run();
  for (const auto& turn : peers.transcript) bench.say(*tap, turn.bytes, turn.direction);
  const std::string log = listener.take();
  for (const char* part : {"head 1 GET shop /a 0; ", "head 3 GET shop /b 0; ", "end 1 0 0; ", "end 3 0 0; "})
    EXPECT_NE(log.find(part), std::string::npos) << log;
}

}  // namespace
}  // namespace loam::observe
