#include "rollout/api/callers.h"

#include <gtest/gtest.h>

#include "proxy/io/task_scope.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"

namespace loam::api {
namespace {

class CallersTest : public testing::Test {
 protected:
  CallersTest() {
    local.own = 900;
    local.groups = {{10, Access::Viewer}, {20, Access::Operator}, {30, Access::Admin}};
    local.proxies = {40};
    local.logins = {{0, "root"}, {1000, "bo"}};
  }
  Callers& callers() {
    if (!made) made.emplace(*loop, store, local, clock, log);
    return *made;
  }
  static http::Request onSocket(uid_t user, gid_t group, std::vector<gid_t> groups = {}) {
    http::Request request;
    request.peer.process = http::Peer::Process{user, group, 1, std::move(groups)};
    return request;
  }
  static http::Request from(const std::string& address) {
    http::Request request;
    request.peer.address = *SocketAddress::parse(address);
    return request;
  }
  static http::Request with(http::Request request, const std::string& authorization) {
    request.headers.emplace_back("authorization", authorization);
    return request;
  }
  access::MintedToken mint(access::Token wanted) {
    return *store.create(std::move(wanted), {"root", "socket", "", "token.create", "", "", ""});
  }

  test::FakeClock clock;
  Log log{LogLevel::Error};
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  test::MemoryLedger ledger{clock};
  access::AccessStore store{ledger, clock};
  LocalRoles local;
  std::optional<Callers> made;
};

TEST_F(CallersTest, TheKernelSaysWhoIsOnTheSocket) {
  const Caller root = callers().of(onSocket(0, 0), false);
  EXPECT_EQ(root.who, "root");
  EXPECT_EQ(root.via, "socket");
  EXPECT_EQ(root.role, Access::Admin);
  EXPECT_TRUE(root.isOwnHost);
  const Caller own = callers().of(onSocket(900, 900), false);
  EXPECT_EQ(own.who, "uid:900");
  EXPECT_EQ(own.role, Access::Admin);
  EXPECT_TRUE(own.isOwnHost);
}

TEST_F(CallersTest, OthersHaveTheHighestRoleOfTheirGroups) {
  EXPECT_EQ(callers().of(onSocket(1000, 10), false).role, Access::Viewer);
  EXPECT_EQ(callers().of(onSocket(1000, 5, {10, 30, 20}), false).role, Access::Admin);
  EXPECT_FALSE(callers().of(onSocket(1000, 30), false).isOwnHost) << "an admin, and no proxy";
  const Caller nobody = callers().of(onSocket(1000, 5, {6}), false);
  EXPECT_EQ(nobody.who, "bo");
  EXPECT_EQ(nobody.role, Access::Anyone);
  EXPECT_NE(nobody.hint.find("socket_roles"), std::string::npos);
  const Caller proxy = callers().of(onSocket(1001, 40), false);
  EXPECT_TRUE(mayUse(proxy, Access::Proxy));
  EXPECT_FALSE(mayUse(proxy, Access::Viewer));
}

TEST_F(CallersTest, LoopbackIsOpenUntilThereIsAnAdminsToken) {
  EXPECT_EQ(callers().of(from("127.0.0.1:5000"), true).role, Access::Admin);
  EXPECT_EQ(callers().of(from("[::1]:5000"), true).role, Access::Admin);
  EXPECT_EQ(callers().of(from("192.0.2.1:5000"), true).role, Access::Anyone);
  EXPECT_EQ(callers().of(from("127.0.0.1:5000"), false).role, Access::Anyone) << "a port that others reach too";
  mint({.name = "root-ci", .role = access::Role::Admin});
  const Caller closed = callers().of(from("127.0.0.1:5000"), true);
  EXPECT_EQ(closed.role, Access::Anyone);
  EXPECT_FALSE(closed.isOwnHost);
  EXPECT_TRUE(closed.who.empty());
  EXPECT_EQ(callers().of(onSocket(0, 0), false).role, Access::Admin) << "the way back";
}

TEST_F(CallersTest, ACertificateIsAProxy) {
  http::Request request = from("192.0.2.1:5000");
  request.peer.id = "spiffe://loam/proxy/node-a";
  const Caller proxy = callers().of(request, false);
  EXPECT_EQ(proxy.who, "spiffe://loam/proxy/node-a");
  EXPECT_EQ(proxy.role, Access::Proxy);
  EXPECT_FALSE(proxy.isOwnHost);
}

TEST_F(CallersTest, ATokenWinsOverEverythingElse) {
  const auto minted = mint({.name = "ci", .role = access::Role::Viewer, .scope = {{"cart"}, {}}});
  for (const http::Request& request : {onSocket(0, 0), from("127.0.0.1:5000"), from("192.0.2.1:5000")}) {
    const Caller caller = callers().of(with(request, "Bearer " + minted.secret), true);
    EXPECT_EQ(caller.who, "ci");
    EXPECT_EQ(caller.via, "token:" + minted.token.id);
    EXPECT_EQ(caller.role, Access::Viewer) << "so that a script of root's can do less";
    EXPECT_FALSE(caller.isOwnHost);
    EXPECT_EQ(caller.scope, minted.token.scope);
  }
  EXPECT_EQ(callers().takeUses(), std::set<std::string>{minted.token.id});
  EXPECT_TRUE(callers().takeUses().empty());
}

TEST_F(CallersTest, WhateverElseIsShownMakesHimNobody) {
  const auto minted = mint({.name = "ci", .role = access::Role::Admin});
  for (const std::string& value :
       {std::string(), std::string("Bearer"), std::string("Bearer "), "Basic " + minted.secret, minted.secret,
        "Bearer " + minted.secret + " x", "Bearer " + std::string(4000, 'x'), std::string("Bearer loam-token-")}) {
    const Caller caller = callers().of(with(onSocket(0, 0), value), true);
    EXPECT_TRUE(caller.hasWrongToken) << value.substr(0, 40);
    EXPECT_EQ(caller.role, Access::Anyone);
    EXPECT_TRUE(caller.who.empty());
  }
  const auto twice = with(with(onSocket(0, 0), "Bearer " + minted.secret), "Bearer " + minted.secret);
  EXPECT_TRUE(callers().of(twice, true).hasWrongToken);
  EXPECT_EQ(callers().of(with(onSocket(0, 0), "bEaReR  " + minted.secret), true).who, "ci");
  EXPECT_FALSE(callers().takeUses().contains(""));
}

io::Task<void> delay(Callers& callers, http::Request request, int& status) {
  status = 0;
  // Named: g++ 12 destroys a temporary that a co_await takes by value twice.
  http::Response refusal;
  refusal.status = 401;
  const http::Response answer = co_await callers.delayed(request, std::move(refusal));
  status = answer.status;
}

TEST_F(CallersTest, E9_WrongTokensWaitAndOnlySoManyAtATime) {
  const http::Request request = from("192.0.2.1:5000");
  io::TaskScope scope;
  std::vector<int> status(access::WrongTokens::kFree + Callers::kMostWaiting + 5);
  for (int& one : status) scope.spawn(delay(callers(), request, one));
  for (std::size_t i = 0; i < status.size(); ++i) {
    const bool free = i < access::WrongTokens::kFree;
    const bool waits = !free && i < access::WrongTokens::kFree + Callers::kMostWaiting;
    EXPECT_EQ(status[i], free ? 401 : waits ? 0 : 429) << i;
  }
  clock.advance(access::WrongTokens::kLongest + milliseconds(10));
  loop->turn(milliseconds(0));
  loop->turn(milliseconds(0));
  EXPECT_EQ(std::count(status.begin(), status.end(), 0), 0);
  EXPECT_EQ(callers().wrongTokens(), status.size());
  int other = 0;
  scope.spawn(delay(callers(), from("192.0.2.2:5000"), other));
  EXPECT_EQ(other, 401) << "another source pays nothing";
}

TEST_F(CallersTest, E9_AWholeIPv6NetworkIsOneSource) {
  io::TaskScope scope;
  int status = 0;
  for (int i = 1; i <= 4; ++i) {
    scope.spawn(delay(callers(), from("[2001:db8::" + std::to_string(i) + "]:5000"), status));
  }
  EXPECT_EQ(status, 0) << "the fourth waits";
}

}  // namespace
}  // namespace loam::api
