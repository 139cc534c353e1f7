#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <random>

#include "db/sqlite_graph_store.h"
#include "shadow/record/recorder.h"

namespace loam {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::int64_t kDays = 3;
constexpr int kEdges = 2000;
constexpr std::uint64_t kExchanges = 10'000'000;

class FixedClock final : public Clock {
 public:
  Monotonic now() const override { return {}; }
  Wall wall() const override { return Wall(seconds(kNow)); }
};

wire::EdgeReport edgeOf(int number, std::int64_t bucket, std::uint64_t requests, std::mt19937_64& random) {
  wire::EdgeReport edge;
  const auto low = static_cast<std::uint8_t>(number % 250);
  edge.client = IpAddress::v4({10, 0, static_cast<std::uint8_t>(number / 250), low});
  edge.destination = {IpAddress::v4({10, 1, 0, static_cast<std::uint8_t>(number % 50)}), 80};
  edge.owner = wire::Owner{"service-" + std::to_string(number) + ".service", "python3", 1};
  edge.vantage = "outbound";
  edge.protocol = "http1";
  wire::Bucket filled;
  filled.start = bucket;
  filled.counts.requests = requests;
  filled.counts.connections = 1;
  for (std::uint64_t i = 0; i < requests; ++i) filled.counts.latency.record(500 + random() % 20'000);
  wire::RouteCounts route{"GET /items/{id}", {}};
  route.counts.requests = requests;
  route.counts.latency = filled.counts.latency;
  filled.routes.push_back(std::move(route));
  edge.buckets.push_back(std::move(filled));
  return edge;
}

/// 10 M exchanges of 2 000 edges over three days, in a file that stays for the next run (LOAM_BENCH_DIR).
class Filled {
 public:
  Filled() {
    const char* const kept = ::getenv("LOAM_BENCH_DIR");
    directory_ = kept != nullptr
                     ? kept
                     : (std::filesystem::temp_directory_path() / ("loam-bench-" + std::to_string(::getpid()))).string();
    temporary_ = kept == nullptr;
    std::filesystem::create_directories(directory_);
    store = *db::openGraphStore(directory_ / "graph.db");
    if (store->counters().edges == 0) fill();
  }
  ~Filled() {
    store.reset();
    if (temporary_) std::filesystem::remove_all(directory_);
  }

  std::unique_ptr<record::GraphStore> store;

 private:
  void fill() {
    std::mt19937_64 random(1);
    const std::int64_t start = kNow - kDays * 86'400;
    const std::int64_t step = 300;
    const std::uint64_t perCell = kExchanges / (kEdges * (kDays * 86'400 / step)) + 1;
    std::uint64_t sequence = 0;
    for (std::int64_t at = start; at < kNow; at += step) {
      wire::Report report;
      report.proxy = "bench";
      report.epoch = 1;
      report.sequence = ++sequence;
      report.from = at * 1000;
      report.to = (at + step) * 1000;
      for (int edge = 0; edge < kEdges; ++edge) {
        const auto jitter = static_cast<std::int64_t>(random() % 30) * 10;
        report.edges.push_back(edgeOf(edge, (at + jitter) / 10 * 10, perCell, random));
      }
      if (!store->ingest({&report, 1}) || (sequence % 12 == 0 && !store->rollUp(at))) std::abort();
    }
    if (!store->rollUp(kNow)) std::abort();
    std::fprintf(stderr, "filled: %llu exchanges, %llu MB\n",
                 static_cast<unsigned long long>(perCell * sequence * kEdges),
                 static_cast<unsigned long long>(store->counters().bytes >> 20));
  }

  std::filesystem::path directory_;
  bool temporary_ = true;
};

Filled& filled() {
  static Filled record;
  return record;
}

void queryWindow(benchmark::State& state) {
  FixedClock clock;
  const record::Recorder recorder(*filled().store, clock);
  record::GraphQuery query;
  query.window = {kNow - state.range(0), kNow - state.range(1)};
  query.routes = state.range(2) != 0;
  std::uint64_t requests = 0;
  for (auto _ : state) {
    const auto graph = recorder.graph(query);
    if (!graph) return state.SkipWithError(graph.error().describe().c_str());
    requests = 0;
    for (const graph::Edge& edge : graph->edges) requests += edge.counts.requests;
  }
  state.counters["exchanges"] = static_cast<double>(requests);
}
BENCHMARK(queryWindow)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"ago", "until", "routes"})
    ->Args({900, 0, 0})
    ->Args({3600, 0, 0})
    ->Args({6 * 3600 + 137, 0, 0})
    ->Args({86'400 + 5003, 3607, 0})
    ->Args({3 * 86'400, 0, 0})
    ->Args({3 * 86'400, 0, 1});

void ingestThousandEdges(benchmark::State& state) {
  std::mt19937_64 random(2);
  static std::uint64_t sequence = 0;
  static const auto epoch = static_cast<std::uint64_t>(::getpid());
  for (auto _ : state) {
    state.PauseTiming();
    wire::Report report;
    report.proxy = "ingest";
    report.epoch = epoch;
    report.sequence = ++sequence;
    report.from = kNow * 1000;
    report.to = (kNow + 2) * 1000;
    for (int edge = 0; edge < 1000; ++edge) report.edges.push_back(edgeOf(edge, kNow, 5, random));
    state.ResumeTiming();
    if (!filled().store->ingest({&report, 1})) return state.SkipWithError("ingest failed");
  }
}
BENCHMARK(ingestThousandEdges)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loam

BENCHMARK_MAIN();
