#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "rollout/audit/ledger.h"

namespace loam::audit {

/// A ledger that tells of each commit that put something into the audit log, whoever made it, and whether it can be
/// written at all.
class WatchedLedger final : public Ledger {
 public:
  /// `ledger` outlives it.
  explicit WatchedLedger(Ledger& ledger) : ledger_(ledger) {}

  /// `then` is called on the thread of the commit, after it. Set before the first one.
  void onCommit(std::function<void()> then) { then_ = std::move(then); }

  /// Why the last commit that had something to write could not write it; nothing since one could. Any thread.
  std::optional<Error> failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  Result<std::vector<Document>> documents() const override { return ledger_.documents(); }
  Result<Commit> commit(std::span<const Edit> edits, const std::optional<Act>& act) override {
    auto done = ledger_.commit(edits, act);
    note(done);
    if (done && done->stale.empty() && act && then_) then_();
    return done;
  }
  Result<std::vector<Event>> events(const EventQuery& query) const override { return ledger_.events(query); }
  Result<std::uint64_t> newest() const override { return ledger_.newest(); }
  Result<Verified> verify() const override { return ledger_.verify(); }
  Status backup(const std::filesystem::path& file) const override { return ledger_.backup(file); }

 private:
  void note(const Result<Commit>& done) {
    const std::lock_guard lock(mutex_);
    if (!done && done.error().code != ErrorCode::InvalidArgument) failure_ = done.error();
    // One that changes nothing writes nothing, and shows nothing.
    if (!done || !done->stale.empty() || done->revision <= revision_) return;
    revision_ = done->revision;
    failure_.reset();
  }

  Ledger& ledger_;
  std::function<void()> then_;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
  std::uint64_t revision_ = 0;  // of the last commit that was seen
};

}  // namespace loam::audit
