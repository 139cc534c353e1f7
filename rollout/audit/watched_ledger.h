#pragma once

#include <functional>
#include <utility>

#include "rollout/audit/ledger.h"

namespace loam::audit {

/// A ledger that tells of each commit that put something into the audit log, whoever made it.
class WatchedLedger final : public Ledger {
 public:
  /// `ledger` outlives it.
  explicit WatchedLedger(Ledger& ledger) : ledger_(ledger) {}

  /// `then` is called on the thread of the commit, after it. Set before the first one.
  void onCommit(std::function<void()> then) { then_ = std::move(then); }

  Result<std::vector<Document>> documents() const override { return ledger_.documents(); }
  Result<Commit> commit(std::span<const Edit> edits, const std::optional<Act>& act) override {
    auto done = ledger_.commit(edits, act);
    if (done && done->stale.empty() && act && then_) then_();
    return done;
  }
  Result<std::vector<Event>> events(const EventQuery& query) const override { return ledger_.events(query); }
  Result<Verified> verify() const override { return ledger_.verify(); }
  Status backup(const std::filesystem::path& file) const override { return ledger_.backup(file); }

 private:
  Ledger& ledger_;
  std::function<void()> then_;
};

}  // namespace loam::audit
