#include "shadow/observe/observer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/shadow/observe/bench.h"

namespace loam::observe {
namespace {

class FakeFacts final : public FactSource {
 public:
  std::optional<guard::HostFacts> take() override { return std::exchange(next, std::nullopt); }
  std::optional<guard::HostFacts> next;
};

guard::SocketFact socketOf(std::string_view local, std::string_view remote, std::string unit) {
  guard::SocketFact socket;
  socket.local = *SocketAddress::parse(local);
  socket.listening = remote.empty();
  if (!remote.empty()) socket.remote = *SocketAddress::parse(remote);
  socket.unit = std::move(unit);
  socket.exe = "bin";
  return socket;
}

class ObserverTest : public testing::Test {
 protected:
  ObserverTest()
      : hosts_(testing::TempDir() + "/observer_hosts_" + std::to_string(::getpid())),
        observer_((std::ofstream(hosts_) << "10.0.0.2 db.example\n",
                   ObserverSettings{.proxy = "web-1", .epoch = 9, .seed = 3, .hostsPath = hosts_}),
                  clock_, &facts_, nullptr, [this](const wire::Report& report) { reports_.push_back(report); },
                  [this] { return dropped_; }) {
    observer_.attach(channel_);
  }
  ~ObserverTest() override { std::filesystem::remove(hosts_); }
  void pass(milliseconds time) {
    for (milliseconds gone{0}; gone < time; gone += milliseconds(100)) {
      clock_.advance(milliseconds(100));
      observer_.tick();
    }
  }
  std::vector<wire::EdgeReport> edges() const {
    std::vector<wire::EdgeReport> all;
    for (const auto& report : reports_) all.insert(all.end(), report.edges.begin(), report.edges.end());
    return all;
  }
  std::map<std::string, std::string> names() const {
    std::map<std::string, std::string> all;
    for (const auto& report : reports_) {
      for (const auto& name : report.names)
        all[name.source] = SocketAddress{name.address, name.port}.text() + "=" + name.name;
    }
    return all;
  }

  const std::string hosts_;
  test::FakeClock clock_;
  FakeFacts facts_;
  std::uint64_t dropped_ = 0;
  std::vector<wire::Report> reports_;
  Channel channel_{3};
  ConnectionTapFactory factory_{channel_, fakeDecoders()};
  Observer observer_;
};

TEST_F(ObserverTest, SealsEveryTwoSecondsWithoutAGapEvenWhenNothingHappens) {
  pass(seconds(10));
  ASSERT_EQ(reports_.size(), 5u);
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    EXPECT_EQ(reports_[i].proxy, "web-1");
    EXPECT_EQ(reports_[i].epoch, 9u);
    EXPECT_EQ(reports_[i].sequence, i + 1);
    EXPECT_EQ(reports_[i].to - reports_[i].from, 2000);
    if (i > 0) {
      EXPECT_EQ(reports_[i].from, reports_[i - 1].to);
    }
    const auto decoded = wire::decodeReport(wire::encode(reports_[i]));
    ASSERT_TRUE(decoded) << decoded.error().describe();
    EXPECT_EQ(*decoded, reports_[i]);
  }
}

TEST_F(ObserverTest, D8_AClockThatIsSetMakesNoStretchLongerOrShorter) {
  pass(seconds(4));
  for (const int days : {1, -1, -1, 8}) {
    clock_.setWall(clock_.wall() + std::chrono::days(days));
    reports_.clear();
    pass(seconds(4));
    ASSERT_EQ(reports_.size(), 2u);
    const std::int64_t now = std::chrono::duration_cast<milliseconds>(clock_.wall().time_since_epoch()).count();
    EXPECT_EQ(reports_[0].to - reports_[0].from, 2000) << days;
    EXPECT_EQ(reports_[1].from, reports_[0].to) << days;
    EXPECT_EQ(reports_[1].to, now) << days;
  }
  reports_.clear();
  clock_.setWall(clock_.wall() - milliseconds(300));  // NTP's doing
  pass(seconds(2));
  EXPECT_EQ(reports_.at(0).to - reports_.at(0).from, 1700) << "without a seam";
}

TEST_F(ObserverTest, WhatWasSentIsReportedWithinFiveSeconds) {
  auto tap = factory_.open(factsOf("10.0.0.1:40000", "10.0.0.2:80"), clock_.now());
  tap->onBytes(relay::Direction::Upstream, bytesOf("http"), clock_.now());
  tap->onBytes(relay::Direction::Upstream, bytesOf("ok GET /users/7"), clock_.now());
  pass(seconds(5));
  ASSERT_EQ(edges().size(), 1u);
  EXPECT_EQ(edges()[0].buckets[0].counts.requests, 1u);
  EXPECT_EQ(edges()[0].buckets[0].routes[0].route, "GET /users/{id}");
  tap.reset();
}

TEST_F(ObserverTest, FinishTellsEverythingAtOnce) {
  auto tap = factory_.open(factsOf("10.0.0.1:40000", "10.0.0.2:80"), clock_.now());
  tap->onBytes(relay::Direction::Upstream, bytesOf("http"), clock_.now());
  tap.reset();
  observer_.finish();
  ASSERT_EQ(edges().size(), 1u);
  EXPECT_EQ(edges()[0].buckets[0].counts.connections, 1u);
}

TEST_F(ObserverTest, AsksForTheNamesOfBothEndsWhenItIsGivenAResolver) {
  ReverseDns dns(clock_, [](const IpAddress& address) {
    return address == *IpAddress::parse("10.0.0.2") ? std::string("db.example") : std::string();
  });
  std::vector<wire::Report> reports;
  Channel channel(3);
  Observer observer(
      {.proxy = "p", .epoch = 1, .seed = 3, .hostsPath = "/nonexistent"}, clock_, nullptr, &dns,
      [&](const wire::Report& report) { reports.push_back(report); }, [] { return std::uint64_t{0}; });
  observer.attach(channel);
  ConnectionTapFactory factory(channel, fakeDecoders());
  factory.open(factsOf("10.0.0.1:40000", "10.0.0.2:5432"), clock_.now()).reset();
  const auto named = [&] {
    for (const wire::Report& report : reports) {
      for (const wire::NameEvidence& name : report.names) {
        if (name.source == "ptr" && name.name == "db.example") return true;
      }
    }
    return false;
  };
  for (int i = 0; i < 1000 && !named(); ++i) {
    clock_.advance(seconds(2));
    observer.tick();
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(named());
}

TEST_F(ObserverTest, FinishTakesWhatTheWorkersCouldNotHandOver) {
  std::vector<wire::Report> reports;
  Channel narrow(3, 16);
  Observer observer(
      {.proxy = "p", .epoch = 1, .seed = 3, .hostsPath = "/nonexistent"}, clock_, nullptr, nullptr,
      [&](const wire::Report& report) { reports.push_back(report); }, [] { return std::uint64_t{0}; });
  observer.attach(narrow);
  ConnectionTapFactory factory(narrow, fakeDecoders());
  auto tap = factory.open(factsOf("10.0.0.1:40000", "10.0.0.2:80"), clock_.now());
  tap->onBytes(relay::Direction::Upstream, bytesOf("http"), clock_.now());
  for (int i = 0; i < 200; ++i) tap->onBytes(relay::Direction::Upstream, bytesOf("ok GET /a"), clock_.now());
  tap.reset();
  observer.finish();
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_EQ(reports[0].edges.size(), 1u);
  EXPECT_EQ(reports[0].edges[0].buckets[0].counts.requests, 200u);
}

TEST_F(ObserverTest, UncapturedConnectionsBecomeInventoryEdges) {
  const guard::HostFacts table{{socketOf("10.0.0.1:40000", "10.0.0.5:3306", "report.service")}, {}};
  for (int i = 0; i < 3; ++i) {
    facts_.next = table;
    pass(seconds(2));
  }
  std::uint64_t connections = 0;
  for (const auto& edge : edges()) {
    EXPECT_FALSE(edge.captured);
    EXPECT_EQ(edge.vantage, "inventory");
    EXPECT_EQ(edge.protocol, "tcp");
    ASSERT_TRUE(edge.owner);
    EXPECT_EQ(edge.owner->unit, "report.service");
    for (const auto& bucket : edge.buckets) connections += bucket.counts.connections;
  }
  EXPECT_EQ(connections, 1u);
}

TEST_F(ObserverTest, ACapturedConnectionIsNoInventoryEdge) {
  auto tap = factory_.open(factsOf("10.0.0.1:40000", "10.0.0.5:3306"), clock_.now());
  for (int i = 0; i < 3; ++i) {
    facts_.next = guard::HostFacts{{socketOf("10.0.0.1:40000", "10.0.0.5:3306", "report.service")}, {}};
    pass(seconds(2));
  }
  tap.reset();
  facts_.next = guard::HostFacts{{socketOf("10.0.0.1:40000", "10.0.0.5:3306", "report.service")}, {}};  // closing
  pass(seconds(2));
  facts_.next = guard::HostFacts{};
  pass(seconds(2));
  for (const auto& edge : edges()) EXPECT_TRUE(edge.captured);
  EXPECT_FALSE(edges().empty());
}

TEST_F(ObserverTest, FactsAndHostsFileNameAddresses) {
  facts_.next = guard::HostFacts{
      {socketOf("0.0.0.0:80", "", "nginx.service"), socketOf("10.0.0.1:80", "10.0.0.9:5000", "nginx.service")},
      {{"Cart.Example.", *IpAddress::parse("10.0.0.7"), 60}}};
  pass(seconds(3));
  EXPECT_EQ(names(), (std::map<std::string, std::string>{{"dns", "10.0.0.7:0=cart.example"},
                                                         {"hosts", "10.0.0.2:0=db.example"},
                                                         {"process", "10.0.0.1:80=nginx"}}));
}

TEST_F(ObserverTest, LossesOfTheSenderAreReported) {
  dropped_ = 4;
  pass(seconds(2));
  EXPECT_EQ(reports_.back().losses.reports, 4u);
}

TEST_F(ObserverTest, AWallClockThatGoesBackMakesNoNegativeSpan) {
  pass(seconds(2));
  clock_.setWall(clock_.wall() - std::chrono::hours(1));
  pass(seconds(4));
  for (const auto& report : reports_) EXPECT_LE(report.from, report.to);
}

}  // namespace
}  // namespace loam::observe
