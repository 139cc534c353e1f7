#include "proxy/serve/strict_tap.h"

#include <gtest/gtest.h>

#include "proxy/filter/request_listener.h"
#include "tests/support/fake_clock.h"

namespace loam::serve {
namespace {

using relay::Direction;

/// What a tap is shown, and which of it that tap itself would need to see.
struct Shown {
  std::string log;
  std::uint64_t unseen = 0;
  filter::RequestListener* listener = nullptr;
};

class LoggingTap final : public relay::Tap {
 public:
  explicit LoggingTap(Shown& shown) : shown_(shown) {}
  void onConnected(const relay::Connected&) override { shown_.log += "connected;"; }
  std::uint64_t onBytes(Direction, std::span<const std::uint8_t> bytes, Monotonic) override {
    shown_.log += std::to_string(bytes.size()) + ";";
    return shown_.unseen;
  }
  void onSkipped(Direction, std::uint64_t count, Monotonic) override {
    shown_.log += "skipped " + std::to_string(count) + ";";
  }
  void onEnd(Direction, Monotonic) override { shown_.log += "end;"; }
  void onClosed(relay::CloseReason, Monotonic) override { shown_.log += "closed;"; }
  void tellRequestsTo(filter::RequestListener* listener) override { shown_.listener = listener; }

 private:
  Shown& shown_;
};

class StrictTapTest : public testing::Test {
 protected:
  std::uint64_t client(std::string_view bytes) {
    return tap.onBytes(Direction::Upstream, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                       clock.now());
  }

  test::FakeClock clock;
  Shown shown;
  std::vector<http::HeaderField> fields;
  std::string told;
  StrictTap tap{std::make_unique<LoggingTap>(shown),
                StrictReader(std::make_shared<const filters::ServeSettings>(), fields,
                             [this](std::string_view why) { told += std::string(why) + ";"; })};
};

TEST_F(StrictTapTest, TheOtherTapSeesAllThatItSawBefore) {
  tap.onConnected({});
  client("GET / HTTP/1.1\n\n");
  tap.onSkipped(Direction::Downstream, 7, clock.now());
  tap.onEnd(Direction::Upstream, clock.now());
  tap.onClosed(relay::CloseReason::Finished, clock.now());
  EXPECT_EQ(shown.log, "connected;16;skipped 7;end;closed;");
  EXPECT_EQ(told, "bare_lf;");
}

TEST_F(StrictTapTest, OnlyWhatNeitherNeedsGoesByUnseen) {
  shown.unseen = relay::Tap::kOpaque;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
  EXPECT_EQ(client(head), 100u);
  tap.onSkipped(Direction::Upstream, 100, clock.now());
  EXPECT_EQ(client("GET / HT"), 0u);
  shown.unseen = 3;
  EXPECT_EQ(client("TP/1.1\r\nHost: a\r\n\r\n" + head), 3u);
  shown.unseen = relay::Tap::kOpaque;
  client(std::string(100, 'x'));
  EXPECT_EQ(client("GET / HTTP/1.1\n\n"), relay::Tap::kOpaque) << "it is out of the way";
}

TEST_F(StrictTapTest, WhoListensListensToTheOtherTap) {
  class Nobody final : public filter::RequestListener {
    void onMoved(Direction, Monotonic) override {}
    void onRequestHead(const filter::ExchangeView&, Monotonic) override {}
    void onExchange(std::uint32_t, Monotonic, Monotonic) override {}
  } nobody;
  tap.tellRequestsTo(&nobody);
  EXPECT_EQ(shown.listener, &nobody);
}

}  // namespace
}  // namespace loam::serve
