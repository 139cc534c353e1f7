#include "rollout/api/naming_routes.h"

#include <gtest/gtest.h>

#include <map>

#include "proxy/base/json.h"
#include "proxy/io/task_scope.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"

namespace loam::api {
namespace {

/// A record of nothing but the operator's names of addresses.
class NamesOnly final : public record::GraphStore {
 public:
  class Snapshot final : public record::GraphSnapshot {
   public:
    explicit Snapshot(std::map<std::string, std::string> names) : names_(std::move(names)) {}
    Result<record::Sums> sums(graph::Window, record::Snap, bool) override { return record::Sums{}; }
    Result<std::vector<record::Slice>> slices(graph::Window, const std::vector<std::int64_t>&, std::size_t) override {
      return std::vector<record::Slice>();
    }
    Result<std::vector<graph::Flow>> flows() override { return std::vector<graph::Flow>(); }
    Result<std::vector<graph::Claim>> claims() override {
      std::vector<graph::Claim> out;
      for (const auto& [address, name] : names_) {
        graph::Claim claim;
        claim.address = SocketAddress::parse(address)->ip;
        claim.port = SocketAddress::parse(address)->port;
        claim.source = "operator";
        claim.name = name;
        out.push_back(std::move(claim));
      }
      return out;
    }
    Result<std::vector<graph::Alias>> aliases() override { return std::vector<graph::Alias>(); }
    Result<std::vector<graph::ProxyState>> proxies(graph::Window) override { return std::vector<graph::ProxyState>(); }
    Result<std::vector<record::VerdictSum>> verdicts(graph::Window) override {
      return std::vector<record::VerdictSum>();
    }
    Result<std::uint64_t> revision() override { return std::uint64_t{1}; }

   private:
    std::map<std::string, std::string> names_;
  };

  Result<std::vector<bool>> ingest(std::span<const wire::Report>) override { return std::vector<bool>(); }
  Result<std::unique_ptr<record::GraphSnapshot>> snapshot() const override { return std::make_unique<Snapshot>(names); }
  Status nameAddress(const std::string&, const SocketAddress& address, const std::string& name) override {
    beforeNaming();
    if (isFull) return fail(ErrorCode::Exhausted, "the disk is full");
    names[address.text()] = name;
    return {};
  }
  Status nameNode(const std::string&, const std::string&) override { return {}; }
  Status rollUp(std::int64_t) override { return {}; }
  record::StoreCounters counters() const override { return {}; }

  std::map<std::string, std::string> names;
  std::function<void()> beforeNaming = [] {};
  bool isFull = false;
};

io::Task<void> answerInto(const Router& router, http::Request request, Caller caller, http::Response& response) {
  response = co_await router.answer(request, std::move(caller));
}

class NamingRoutesTest : public testing::Test {
 protected:
  NamingRoutesTest() { addNamingRoutes(router, recorder, ledger, writer); }

  http::Response name(const std::string& body, const std::string& who = "ada") {
    http::Request request{.method = "PUT",
                          .target = "/v1/nodes/10.0.0.2%3A80/name",
                          .headers = {{"Content-Type", "application/json"}},
                          .body = body};
    http::Response response{.status = 0};
    io::TaskScope scope;
    Caller caller{who, "socket", Access::Operator};
    scope.spawn(answerInto(router, std::move(request), std::move(caller), response));
    for (int i = 0; i < 1000 && response.status == 0; ++i) loop->turn(milliseconds(5));
    return response;
  }
  std::vector<audit::Event> events() const { return *ledger.events({}); }
  /// Of the document that the last event is about: what it says now.
  Json::Value said() const { return ledger.documents()->front().body; }

  test::FakeClock clock;
  SystemClock real;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(real);
  test::MemoryLedger ledger{clock};
  NamesOnly store;
  record::Recorder recorder{store, clock};
  Router router;
  Background writer{*loop};
};

TEST_F(NamingRoutesTest, WhoNamedWhatAndHowItWasCalledBeforeIsInTheAuditLog) {
  ASSERT_EQ(name(R"({"name":"pay","reason":"it is","ticket":"OPS-1"})").status, 200);
  ASSERT_EQ(events().size(), 1u);
  const audit::Event first = events()[0];
  EXPECT_EQ(first.kind + " " + first.key, "node_name 10.0.0.2:80");
  EXPECT_EQ(first.act.who + " " + first.act.verb, "ada node.name");
  EXPECT_EQ(first.act.reason + " " + first.act.ticket, "it is OPS-1");
  EXPECT_EQ(writeJson(said()), R"({"before":"","by":"ada","name":"pay"})");
  ASSERT_EQ(name(R"({"name":"billing"})", "bob").status, 200);
  EXPECT_EQ(writeJson(said()), R"({"before":"pay","by":"bob","name":"billing"})");
  ASSERT_EQ(name(R"({"name":""})").status, 200);
  EXPECT_EQ(writeJson(said()), R"({"before":"billing","by":"ada","name":""})");
  EXPECT_EQ(events().size(), 3u);
  EXPECT_TRUE(ledger.verify());
}

TEST_F(NamingRoutesTest, TheEventIsThereBeforeTheName) {
  std::size_t written = 0;
  store.beforeNaming = [&] { written = events().size(); };
  ASSERT_EQ(name(R"({"name":"pay"})").status, 200);
  EXPECT_EQ(written, 1u);
}

TEST_F(NamingRoutesTest, WithoutAnEventThereIsNoName) {
  ledger.failWith(Error{ErrorCode::Exhausted, "the disk is full"});
  EXPECT_EQ(name(R"({"name":"pay"})").status, 507);
  EXPECT_TRUE(store.names.empty());
  ledger.failWith(std::nullopt);
  EXPECT_EQ(name(R"({"name":"pay"})").status, 200);
  EXPECT_EQ(store.names.at("10.0.0.2:80"), "pay");
}

TEST_F(NamingRoutesTest, ANameThatTheRecordDoesNotTakeIsSaidToHaveFailed) {
  store.isFull = true;
  EXPECT_EQ(name(R"({"name":"pay"})").status, 507);
  ASSERT_EQ(events().size(), 2u);
  EXPECT_EQ(events()[1].act.verb, "node.name.failed");
  EXPECT_NE(events()[1].act.reason.find("the disk is full"), std::string::npos);
  EXPECT_EQ(writeJson(said()), R"({"before":"pay","by":"ada","name":""})");
}

TEST_F(NamingRoutesTest, WhoNamesAgainWhatWasCutOffHasAnEventOfHisOwn) {
  store.isFull = true;  // as if the program had ended between the two
  store.beforeNaming = [&] { ledger.failWith(Error{ErrorCode::Exhausted, "gone"}); };
  ASSERT_EQ(name(R"({"name":"pay"})").status, 507);
  ledger.failWith(std::nullopt);
  store.isFull = false;
  store.beforeNaming = [] {};
  ASSERT_EQ(name(R"({"name":"pay"})", "bob").status, 200);
  ASSERT_EQ(events().size(), 2u);
  EXPECT_EQ(events()[1].act.who, "bob");
}

TEST_F(NamingRoutesTest, WhatIsNoNameIsInNoLog) {
  for (const char* body : {R"({"nmae":"x"})", R"({"name":7})", R"({"name":"\u0007"})", "{}", "", "[]"})
    EXPECT_EQ(name(body).status, 400) << body;
  EXPECT_TRUE(events().empty());
}

}  // namespace
}  // namespace loam::api
