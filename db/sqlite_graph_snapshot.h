#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "db/database.h"
#include "db/reader_pool.h"
#include "shadow/record/graph_store.h"
#include "shadow/record/window_plan.h"

namespace loam::db {

/// What the index in memory adds to the rows of a snapshot.
struct IndexView {
  std::vector<graph::Flow> flows;
  std::unordered_map<std::int64_t, std::string> routes;
};

class SqliteGraphSnapshot final : public record::GraphSnapshot {
 public:
  /// Begins the read transaction.
  static Result<std::unique_ptr<record::GraphSnapshot>> begin(ReaderPool& pool, IndexView view);
  ~SqliteGraphSnapshot() override;

  Result<record::Sums> sums(graph::Window window, record::Snap snap, bool routes) override;
  Result<std::vector<record::Slice>> slices(graph::Window window, const std::vector<std::int64_t>& flows,
                                            std::size_t most) override;
  Result<std::vector<graph::Flow>> flows() override { return view_.flows; }
  Result<std::vector<graph::Claim>> claims() override;
  Result<std::vector<graph::Alias>> aliases() override;
  Result<std::vector<graph::ProxyState>> proxies(graph::Window window) override;
  Result<std::vector<record::VerdictSum>> verdicts(graph::Window window) override;
  Result<std::uint64_t> revision() override;

 private:
  SqliteGraphSnapshot(ReaderPool& pool, std::unique_ptr<Database> reader, IndexView view)
      : pool_(pool), reader_(std::move(reader)), view_(std::move(view)) {}
  void add(const Poco::Data::BLOB& collected, std::unordered_map<std::int64_t, graph::Tally>& flows) const;

  ReaderPool& pool_;
  std::unique_ptr<Database> reader_;
  IndexView view_;
  std::int64_t moved_ = 0;
  record::Levels levels_{};
};

}  // namespace loam::db
