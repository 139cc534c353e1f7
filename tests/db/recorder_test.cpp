#include "shadow/record/recorder.h"

#include "tests/db/sample.h"

namespace loam::db {
namespace {

class FakeClock final : public Clock {
 public:
  Monotonic now() const override { return {}; }
  Wall wall() const override { return Wall(seconds(unix)); }
  std::int64_t unix = kStart + 100;
};

class RecorderTest : public testing::Test {
 protected:
  graph::Graph graphOf(graph::Window window, graph::Filter filter = {}) {
    record::GraphQuery query;
    query.window = window;
    query.filter = std::move(filter);
    auto graph = recorder.graph(query);
    EXPECT_TRUE(graph) << graph.error().describe();
    return graph ? *graph : graph::Graph();
  }
  void send(const std::string& proxy, std::int64_t from, std::vector<wire::EdgeReport> edges,
            std::int64_t length = 10) {
    wire::Report report = reportOf(proxy, ++sequences[proxy], from, std::move(edges), length);
    for (const char* name : {"shop", "db"}) {
      const char* const address = name[0] == 's' ? "10.0.0.1" : "10.0.0.2";
      report.names.push_back({*IpAddress::parse(address), 0, "dns", name, 1});
    }
    const auto counted = recorder.ingest(report);
    ASSERT_TRUE(counted) << counted.error().describe();
    EXPECT_TRUE(*counted);
  }
  wire::EdgeReport seen(const std::string& vantage, std::int64_t bucket, std::uint64_t requests) {
    return edgeOf("10.0.0.1", "10.0.0.2:80", bucket, countsOf(0, requests), vantage);
  }

  Status nameNode(const std::string& node, const std::string& name) {
    const auto naming = recorder.planNaming(node, name);
    if (!naming) return fail(naming.error());
    for (const record::Naming::Place& place : naming->places) LOAM_TRY(recorder.name(place, naming->name));
    return {};
  }
  /// "key=before" of each place that a name for `node` would hang on.
  std::string placesOf(const std::string& node) {
    const auto naming = recorder.planNaming(node, "x");
    std::string out;
    if (!naming) return naming.error().describe();
    for (const record::Naming::Place& place : naming->places) out += place.key + "=" + place.before + " ";
    return out;
  }

  TemporaryDirectory directory;
  std::unique_ptr<record::GraphStore> store = openStore(directory / "graph.db");
  FakeClock clock;
  record::Recorder recorder{*store, clock};
  std::map<std::string, std::uint64_t> sequences;
};

TEST_F(RecorderTest, TwoEndsOfOneEdgeAreNotAddedUp) {
  for (std::int64_t t = 0; t < 60; t += 10) {
    send("client-side", kStart + t, {seen("outbound", kStart + t, 7)});
    send("server-side", kStart + t, {seen("inbound", kStart + t, 7)});
  }
  const graph::Graph graph = graphOf({kStart, kStart + 60});
  ASSERT_EQ(graph.edges.size(), 1u);
  EXPECT_EQ(graph.edges[0].source, "shop");
  EXPECT_EQ(graph.edges[0].target, "db");
  EXPECT_EQ(graph.edges[0].counts.requests, 42u);
  EXPECT_EQ(graph.edges[0].seenBy, (std::vector<std::string>{"inbound", "outbound"}));
  EXPECT_EQ(graph.header.revision, 12u);
  ASSERT_EQ(graph.header.coverage.size(), 2u);
  EXPECT_EQ(graph.header.coverage[0].share, 1.0);
}

/// Both sides have a gap; each fills the other's, before and after the roll-up.
TEST_F(RecorderTest, TheOtherSideFillsInWhereTheChosenOneWasAway) {
  const std::int64_t start = kStart - kStart % 60 + 60;
  for (std::int64_t t = 0; t < 300; t += 10) {
    const bool clientAway = t >= 70 && t < 100;
    const bool serverAway = t >= 150 && t < 220;
    if (!clientAway) send("client-side", start + t, {seen("outbound", start + t, 7)});
    if (!serverAway) send("server-side", start + t, {seen("inbound", start + t, 7)});
  }
  clock.unix = start + 300;
  EXPECT_EQ(graphOf({start, start + 300}).edges[0].counts.requests, 7u * 30);
  clock.unix = start + 3000;
  ASSERT_TRUE(recorder.housekeeping());
  const graph::Graph later = graphOf({start, start + 300});
  EXPECT_EQ(later.edges[0].counts.requests, 7u * 30);
  EXPECT_EQ(later.header.resolution, 60);
  EXPECT_NEAR(later.header.coverage[0].share, 0.9, 0.001);
}

TEST_F(RecorderTest, AReplacedProxyOfTheSameSideIsAddedUp) {
  for (std::int64_t t = 0; t < 60; t += 10)
    send(t < 30 ? "old-name" : "new-name", kStart + t, {seen("outbound", kStart + t, 5)});
  for (std::int64_t t = 0; t < 60; t += 10) send("server-side", kStart + t, {seen("inbound", kStart + t, 5)});
  EXPECT_EQ(graphOf({kStart, kStart + 60}).edges[0].counts.requests, 30u);
}

TEST_F(RecorderTest, InventoryShowsOnlyWhatNobodyCaptured) {
  auto captured = seen("outbound", kStart, 5);
  auto same = edgeOf("10.0.0.1", "10.0.0.2:80", kStart, countsOf(3, 0), "inventory");
  auto other = edgeOf("10.0.0.1", "10.0.0.2:5432", kStart, countsOf(2, 0), "inventory");
  for (auto* edge : {&same, &other}) {
    edge->protocol = "tcp";
    edge->captured = false;
  }
  captured.buckets[0].counts.connections = 6;
  send("client-side", kStart, {captured, same, other});
  send("server-side", kStart, {other});  // the other end of the same sockets
  const graph::Graph graph = graphOf({kStart, kStart + 10});
  ASSERT_EQ(graph.edges.size(), 2u);
  EXPECT_TRUE(graph.edges[0].captured);
  EXPECT_FALSE(graph.edges[1].captured);
  EXPECT_EQ(graph.edges[1].counts.connections, 2u);
  EXPECT_EQ(graph.header.capturedShare, 0.75);
}

TEST_F(RecorderTest, AnOperatorsNameOverrulesAndCanBeTakenBack) {
  send("client-side", kStart, {seen("outbound", kStart, 5)});
  const graph::Window window{kStart, kStart + 10};
  ASSERT_TRUE(nameNode("db", "Orders"));
  EXPECT_EQ(graphOf(window).edges[0].target, "Orders");
  EXPECT_EQ(placesOf("Orders"), "db=Orders ");
  EXPECT_EQ(placesOf("shop"), "shop= ");
  ASSERT_TRUE(nameNode("Orders", "Ledger"));
  EXPECT_EQ(graphOf(window).edges[0].target, "Ledger");
  const graph::Graph named = graphOf(window);
  const graph::Node* node = graph::find(named, "Ledger");
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->nameSource, "operator");
  EXPECT_EQ(node->claims.back().name, "db");
  ASSERT_TRUE(nameNode("Ledger", ""));
  EXPECT_EQ(graphOf(window).edges[0].target, "db");
  ASSERT_TRUE(nameNode("10.0.0.2:80", "by-address"));
  EXPECT_EQ(graphOf(window).edges[0].target, "by-address");
  EXPECT_EQ(placesOf("10.0.0.2:80"), "10.0.0.2:80=by-address ");
  EXPECT_EQ(placesOf("10.0.0.2"), "10.0.0.2= ");
  EXPECT_EQ(nameNode("nobody", "x").error().code, ErrorCode::NotFound);
  EXPECT_EQ(nameNode("shop", "a\nb").error().code, ErrorCode::InvalidArgument);
}

TEST_F(RecorderTest, DiffOfTwoWindowsTellsNewAndGone) {
  for (std::int64_t t = 0; t < 600; t += 10) {
    auto edge = seen("outbound", kStart + t, 5);
    if (t >= 300) edge.destination.port = 81;
    send("client-side", kStart + t, {edge});
  }
  clock.unix = kStart + 620;
  const auto diff = recorder.diff({}, {kStart, kStart + 300}, {kStart + 300, kStart + 600});
  ASSERT_TRUE(diff) << diff.error().describe();
  ASSERT_EQ(diff->differences.size(), 2u);
  EXPECT_EQ(diff->differences[0].kind, graph::DiffKind::Gone);
  EXPECT_EQ(diff->differences[1].kind, graph::DiffKind::New);
  record::GraphQuery query;
  query.filter.focus = "nobody";
  EXPECT_EQ(recorder.diff(query, {kStart, kStart + 300}, {kStart + 300, kStart + 600}).error().code,
            ErrorCode::NotFound);
}

TEST_F(RecorderTest, E13_ARefusedReportCountsNothing) {
  wire::Report report = reportOf("liar", 1, kStart, {seen("outbound", kStart, 5)});
  report.edges[0].buckets[0].counts.requests = ~0ULL;
  EXPECT_EQ(recorder.ingest(report).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(recorder.refusedReports(), 1u);
  EXPECT_TRUE(graphOf({kStart, kStart + 10}).edges.empty());
}

TEST_F(RecorderTest, AWindowThatIsNoneIsRefused) {
  record::GraphQuery query;
  for (const graph::Window window :
       {graph::Window{10, 10}, graph::Window{20, 10}, graph::Window{-5, 10}, graph::Window{0, INT64_MAX}}) {
    query.window = window;
    EXPECT_EQ(recorder.graph(query).error().code, ErrorCode::InvalidArgument);
  }
}

/// Two ends that see the same, one of them for a while only: moments are merged as the window is, and are as fine as
/// what is held.
TEST_F(RecorderTest, TrafficIsTheSameByTheWindowAndByItsMoments) {
  std::map<std::int64_t, std::uint64_t> sent;
  for (std::int64_t t = 0; t < 1200; t += 10) {
    const auto requests = static_cast<std::uint64_t>(1 + t / 10 % 7);
    sent[kStart + t] = requests;
    send("client-side", kStart + t, {seen("outbound", kStart + t, requests)});
    if (t < 600) send("server-side", kStart + t, {seen("inbound", kStart + t, requests)});
  }
  clock.unix = kStart + 1300;
  for (const bool isRolled : {false, true}) {
    if (isRolled) {
      ASSERT_TRUE(recorder.housekeeping());
    }
    const auto traffic = recorder.traffic({kStart, kStart + 1200}, "db", true);
    ASSERT_TRUE(traffic) << traffic.error().describe();
    ASSERT_EQ(traffic->usages.size(), 1u);
    EXPECT_EQ(traffic->usages[0].call.caller, "shop");
    EXPECT_EQ(traffic->usages[0].call.believed, "shop");
    EXPECT_EQ(traffic->usages[0].protocol, "http1");
    EXPECT_EQ(traffic->usages[0].tally.counts.requests, traffic->usages[0].tally.counts.latency.count());
    std::uint64_t all = 0;
    std::map<std::int64_t, int> lengths;
    for (const record::Moment& moment : traffic->moments) {
      ++lengths[moment.length];
      all += moment.counts.requests;
      std::uint64_t expected = 0;
      for (const auto& [at, requests] : sent) {
        if (at >= moment.from && at < moment.from + moment.length) expected += requests;
      }
      EXPECT_EQ(moment.counts.requests, expected) << moment.from - kStart << " of " << moment.length;
      EXPECT_EQ(moment.caller, "shop");
    }
    EXPECT_EQ(all, traffic->usages[0].tally.counts.requests);
    EXPECT_EQ(lengths.contains(60), isRolled) << "what is old is held by the minute";
    EXPECT_TRUE(lengths.contains(10));
  }
  EXPECT_TRUE(recorder.traffic({kStart, kStart + 1200}, "db", false)->moments.empty());
  EXPECT_EQ(recorder.traffic({kStart, kStart + 1200}, "nobody", true).error().code, ErrorCode::NotFound);
}

TEST_F(RecorderTest, SlicesAreCoarserWhereTheyWouldBeTooMany) {
  for (std::int64_t t = 0; t < 600; t += 10) send("client-side", kStart + t, {seen("outbound", kStart + t, 1)});
  auto snapshot = store->snapshot();
  ASSERT_TRUE(snapshot);
  const std::vector<std::int64_t> flows{(*snapshot)->flows()->at(0).id};
  const auto slicesOf = [&](std::size_t most) {
    auto slices = (*snapshot)->slices({kStart, kStart + 600}, flows, most);
    EXPECT_TRUE(slices) << slices.error().describe();
    return slices ? *std::move(slices) : std::vector<record::Slice>();
  };
  EXPECT_EQ(slicesOf(60).size(), 60u);
  for (const std::size_t most : {59, 11, 4}) {
    std::uint64_t requests = 0;
    const auto slices = slicesOf(most);
    EXPECT_LE(slices.size(), most);
    for (const record::Slice& slice : slices) requests += slice.flows.at(flows[0]).counts.requests;
    EXPECT_EQ(requests, 60u) << most;
  }
  EXPECT_TRUE((*snapshot)->slices({kStart, kStart + 600}, {flows[0] + 1}, 60)->empty());
}

}  // namespace
}  // namespace loam::db
