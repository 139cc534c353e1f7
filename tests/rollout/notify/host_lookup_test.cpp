#include "rollout/notify/host_lookup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "proxy/io/task_scope.h"

namespace loam::notify {
namespace {

using Addresses = HostLookup::Addresses;

class HostLookupTest : public testing::Test {
 protected:
  static io::Task<void> askInto(HostLookup& lookup, Monotonic deadline, std::optional<Result<Addresses>>& into) {
    Result<Addresses> answer = co_await lookup.ask(deadline);
    into = answer;
  }
  void turnUntil(const std::function<bool()>& done) {
    const Monotonic end = clock.now() + seconds(10);
    while (!done() && clock.now() < end) loop->turn(milliseconds(5));
  }
  Result<Addresses> ask(HostLookup& lookup, milliseconds patience = seconds(10)) {
    std::optional<Result<Addresses>> answer;
    io::TaskScope scope;
    scope.spawn(askInto(lookup, clock.now() + patience, answer));
    turnUntil([&] { return answer.has_value(); });
    return answer ? *answer : Result<Addresses>(fail(ErrorCode::Io, "never ended"));
  }

  SystemClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
};

TEST_F(HostLookupTest, TheSystemKnowsThisHost) {
  HostLookup lookup(*loop, "localhost", 9000);
  const auto found = ask(lookup);
  ASSERT_TRUE(found) << found.error().describe();
  ASSERT_FALSE(found->empty());
  for (const SocketAddress& address : *found) {
    EXPECT_TRUE(address.ip.isLoopback()) << address.text();
    EXPECT_EQ(address.port, 9000);
  }
}

TEST_F(HostLookupTest, WhatTheResolverSaysIsHeard) {
  HostLookup lookup(*loop, "x.example", 80, [](const std::string& host, std::uint16_t) -> Result<Addresses> {
    return fail(ErrorCode::NotFound, host + ": no such name");
  });
  const auto found = ask(lookup);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().context, "x.example: no such name");
}

TEST_F(HostLookupTest, EachQuestionIsAskedAnewAndThoseAtOneTimeTogether) {
  std::atomic<int> asked = 0;
  std::promise<void> gate;
  const std::shared_future<void> opened = gate.get_future().share();
  HostLookup lookup(*loop, "x.example", 80, [&asked, opened](const std::string&, std::uint16_t) -> Result<Addresses> {
    ++asked;
    opened.wait();
    return Addresses{*SocketAddress::parse("10.0.0." + std::to_string(asked.load()) + ":80")};
  });
  std::optional<Result<Addresses>> first;
  std::optional<Result<Addresses>> second;
  io::TaskScope scope;
  scope.spawn(askInto(lookup, clock.now() + seconds(10), first));
  scope.spawn(askInto(lookup, clock.now() + seconds(10), second));
  gate.set_value();
  turnUntil([&] { return first && second; });
  ASSERT_TRUE(first && *first && second && *second);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ((**second)[0].text(), "10.0.0.1:80");
  EXPECT_EQ((*ask(lookup))[0].text(), "10.0.0.2:80");
}

/// What a thread that is never answered touches, after everybody else has gone.
struct Shared {
  std::promise<void> gate;
  std::promise<void> ended;
};

TEST_F(HostLookupTest, AResolverThatHangsHoldsUpNobody) {
  const auto shared = std::make_shared<Shared>();
  auto hanging = std::make_unique<HostLookup>(*loop, "x.example", 80,
                                              [shared](const std::string&, std::uint16_t) -> Result<Addresses> {
                                                shared->gate.get_future().wait();
                                                shared->ended.set_value();
                                                return Addresses{};
                                              });
  const auto late = ask(*hanging, milliseconds(30));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::Timeout);
  const auto again = ask(*hanging, milliseconds(30));
  ASSERT_FALSE(again) << "it waits for the same question";
  hanging.reset();
  loop.reset();
  shared->gate.set_value();
  shared->ended.get_future().wait();  // and finds nobody
}

}  // namespace
}  // namespace loam::notify
