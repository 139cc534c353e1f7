#include "proxy/upstream/health_check.h"

#include <set>

#include "cluster_fixture.h"
#include "proxy/http/http1_server.h"

namespace loam::upstream {
namespace {

/// A stream of which nobody reads.
class NoStream final : public io::ByteStream {
 public:
  explicit NoStream(io::EventLoop& loop) : loop_(loop) {}
  io::EventLoop& loop() const override { return loop_; }
  io::Task<Result<std::size_t>> read(std::span<std::uint8_t>, Monotonic) override { co_return 0U; }
  io::Task<Status> write(std::span<const std::uint8_t>, Monotonic) override { co_return Status(); }
  void endWriting() override {}
  void cut() override {}

 private:
  io::EventLoop& loop_;
};

/// Connects, or does not, as the test says.
class PlayedDialer final : public Dialer {
 public:
  explicit PlayedDialer(io::EventLoop& loop) : loop_(loop) {}
  io::Task<Result<std::unique_ptr<io::ByteStream>>> dial(SocketAddress endpoint, Monotonic) override {
    asked[endpoint].push_back(loop_.now());
    if (failure) co_return fail(*failure);
    co_return std::make_unique<NoStream>(loop_);
  }

  std::optional<Error> failure;
  std::map<SocketAddress, std::vector<Monotonic>> asked;

 private:
  io::EventLoop& loop_;
};

class HealthCheckTest : public ClusterFixture {
 protected:
  HealthCheck checking(HealthTerms terms) { return {*loop, std::move(terms), of.all().members(), dialer, dice}; }
  void pass(nanoseconds time) {
    for (nanoseconds passed{0}; passed < time; passed += milliseconds(100)) {
      clock.advance(milliseconds(100));
      loop->turn(milliseconds(0));
    }
  }
  std::size_t healthy() const {
    std::size_t count = 0;
    for (const Member& member : of.all().members()) count += member.state->isHealthy() ? 1 : 0;
    return count;
  }

  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  PlayedDialer dialer{*loop};
  const Cluster of = cluster({.health = HealthTerms{}}, endpoints(8));
  const Error refused{ErrorCode::Refused, "connecting", ErrorOrigin::Upstream, false};
};

TEST_F(HealthCheckTest, AsksEachOnceAnIntervalAndNotAllAtOnce) {
  const HealthCheck check = checking({});
  pass(seconds(10));
  std::set<Monotonic> first;
  ASSERT_EQ(dialer.asked.size(), 8u);
  for (const auto& [address, times] : dialer.asked) first.insert(times.front());
  EXPECT_GE(first.size(), 6u);
  pass(seconds(90));
  for (const auto& [address, times] : dialer.asked) EXPECT_NEAR(static_cast<double>(times.size()), 10, 2);
  EXPECT_EQ(check.failed(), 0u);
  EXPECT_EQ(healthy(), 8u);
}

TEST_F(HealthCheckTest, SoManyInARowTurnItEitherWay) {
  dialer.failure = refused;
  const HealthCheck check = checking({.interval = seconds(1)});
  pass(milliseconds(1900));
  EXPECT_EQ(healthy(), 8u) << "twice each at most";
  pass(seconds(3));
  EXPECT_EQ(healthy(), 0u);
  EXPECT_TRUE(of.all().pick({}, dice, clock.now())) << "panic: better any than none";
  dialer.failure.reset();
  pass(milliseconds(800));
  EXPECT_EQ(healthy(), 0u) << "one good answer at most";
  pass(seconds(2));
  EXPECT_EQ(healthy(), 8u);
  EXPECT_LT(stateOf(of.all(), 0).share(clock.now(), seconds(10)), 1) << "and starts slowly";
}

TEST_F(HealthCheckTest, WhatFailsOnThisHostCountsAgainstNobody) {
  dialer.failure = Error{ErrorCode::Exhausted, "opening a socket", ErrorOrigin::Local, false};
  const HealthCheck check = checking({.interval = seconds(1), .unhealthyAfter = 1});
  pass(seconds(5));
  EXPECT_EQ(healthy(), 8u);
  EXPECT_GT(check.asked(), 20u);
  EXPECT_EQ(check.failed(), 0u);
}

TEST_F(HealthCheckTest, CountsOutliveTheSnapshotAndQuestionsDoNot) {
  dialer.failure = refused;
  {
    const HealthCheck check = checking({.interval = seconds(1)});
    pass(milliseconds(1700));
  }
  const auto asked = dialer.asked;
  pass(seconds(5));
  EXPECT_EQ(dialer.asked, asked);
  const HealthCheck check = checking({.interval = seconds(1)});
  pass(seconds(2));
  EXPECT_EQ(healthy(), 0u) << "with those of before it is three";
}

TEST_F(HealthCheckTest, AnotherPortIsAskedWhereOneIsNamed) {
  const HealthCheck check = checking({.port = 9000});
  pass(seconds(10));
  for (const auto& [address, times] : dialer.asked) EXPECT_EQ(address.port, 9000);
}

/// Against servers on loopback.
class HttpHealthCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    auto listener = io::Listener::bind(*loop, *SocketAddress::parse("127.0.0.1:0"));
    ASSERT_TRUE(listener);
    address = (*listener)->address();
    server = std::make_unique<http::Http1Server>(*loop, *std::move(listener), &HttpHealthCheckTest::answer);
    status = 200;
    heard.clear();
  }
  static io::Task<http::Response> answer(const http::Request& request) {
    heard = request.method + " " + request.target + " " + std::string(request.header("host"));
    co_return http::Response{.status = status, .contentType = "text/plain", .body = "well"};
  }
  /// Until so many were asked.
  bool isHealthyAfter(HealthTerms terms, std::uint64_t questions) {
    state = std::make_shared<EndpointState>(std::make_shared<ServiceState>(), clock.now());
    const Member member{{.address = address}, state};
    HealthCheck check(*loop, std::move(terms), {&member, 1}, dialer, dice);
    const Monotonic end = clock.now() + seconds(10);
    while (check.asked() < questions && clock.now() < end) loop->turn(milliseconds(5));
    EXPECT_GE(check.asked(), questions);
    return state->isHealthy();
  }
  static HealthTerms terms(std::vector<std::uint16_t> statuses = {}) {
    return {.kind = HealthTerms::Kind::Http,
            .path = "/health?full=1",
            .statuses = std::move(statuses),
            .interval = milliseconds(20),
            .timeout = milliseconds(500),
            .unhealthyAfter = 1};
  }

  static inline int status = 200;
  static inline std::string heard;
  SystemClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  PlainDialer dialer{*loop, 0};
  Dice dice{4};
  SocketAddress address;
  std::unique_ptr<http::Http1Server> server;
  std::shared_ptr<EndpointState> state;
};

TEST_F(HttpHealthCheckTest, AsksThePathAndJudgesTheStatus) {
  EXPECT_TRUE(isHealthyAfter(terms(), 2));
  EXPECT_EQ(heard, "GET /health?full=1 " + address.text());
  status = 503;
  EXPECT_FALSE(isHealthyAfter(terms(), 1));
  status = 204;
  EXPECT_TRUE(isHealthyAfter(terms(), 1));
  EXPECT_FALSE(isHealthyAfter(terms({200, 301}), 1));
  status = 301;
  EXPECT_TRUE(isHealthyAfter(terms({200, 301}), 1));
}

TEST_F(HttpHealthCheckTest, CallsTheEndpointByTheNameItIsGiven) {
  HealthTerms named = terms();
  named.host = "shop.example";
  EXPECT_TRUE(isHealthyAfter(named, 1));
  EXPECT_EQ(heard, "GET /health?full=1 shop.example");
}

TEST_F(HttpHealthCheckTest, NobodyThereIsUnhealthy) {
  server.reset();
  EXPECT_FALSE(isHealthyAfter(terms(), 1));
  HealthTerms connect = terms();
  connect.kind = HealthTerms::Kind::Tcp;
  EXPECT_FALSE(isHealthyAfter(connect, 1));
}

TEST_F(HttpHealthCheckTest, AConnectionIsEnoughForATcpCheck) {
  HealthTerms connect = terms();
  connect.kind = HealthTerms::Kind::Tcp;
  EXPECT_TRUE(isHealthyAfter(connect, 2));
}

}  // namespace
}  // namespace loam::upstream
