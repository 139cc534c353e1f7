#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/clock.h"
#include "rollout/audit/chain.h"
#include "rollout/audit/commit_plan.h"
#include "rollout/audit/ledger.h"

namespace loam::test {

/// A ledger that is gone with the test; passes the contract of all ledgers but for what concerns files. `clock`
/// outlives it.
class MemoryLedger final : public audit::Ledger {
 public:
  explicit MemoryLedger(const Clock& clock) : clock_(clock) {}

  /// The next commits fail with this, and leave everything as it was; nothing: they succeed again.
  void failWith(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }

  Result<std::vector<audit::Document>> documents() const override {
    const std::lock_guard lock(mutex_);
    std::vector<audit::Document> out;
    for (const auto& [name, document] : documents_) out.push_back(document);
    return out;
  }

  Result<audit::Commit> commit(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act) override {
    const auto checked = audit::checkEdits(edits, act);
    if (!checked) return fail(checked.error());
    const std::lock_guard lock(mutex_);
    if (failure_) return fail(*failure_);
    std::vector<std::optional<audit::Document>> current;
    for (const audit::Edit& edit : *checked) {
      const auto found = documents_.find({edit.kind, edit.key});
      current.push_back(found == documents_.end() ? std::nullopt : std::optional(found->second));
    }
    const auto at = std::chrono::duration_cast<milliseconds>(clock_.wall().time_since_epoch()).count();
    const audit::CommitPlan plan = audit::planCommit(head_, *checked, current, act, at);
    for (const auto& document : plan.written) documents_[{document.kind, document.key}] = document;
    for (const auto& name : plan.removed) documents_.erase(name);
    events_.insert(events_.end(), plan.events.begin(), plan.events.end());
    head_ = plan.head;
    return audit::Commit{head_.revision, plan.stale};
  }

  Result<std::vector<audit::Event>> events(const audit::EventQuery& query) const override {
    const std::lock_guard lock(mutex_);
    std::vector<audit::Event> out;
    for (const audit::Event& event : events_) {
      const bool inTime = event.at >= query.from && (query.to == 0 || event.at < query.to);
      const bool asked = (query.kind.empty() || event.kind == query.kind) &&
                         (query.key.empty() || event.key == query.key) &&
                         (query.who.empty() || event.act.who == query.who);
      if (event.sequence > query.after && inTime && asked && out.size() < query.most) out.push_back(event);
    }
    return out;
  }

  Result<std::uint64_t> newest() const override {
    const std::lock_guard lock(mutex_);
    return head_.sequence;
  }

  Result<Verified> verify() const override {
    const std::lock_guard lock(mutex_);
    audit::Chain chain;
    for (const audit::Event& event : events_) LOAM_TRY(chain.follow(event));
    return Verified{chain.sequence(), chain.hash()};
  }

  Status backup(const std::filesystem::path& file) const override {
    return fail(ErrorCode::Unsupported, file.string() + ": a ledger in memory has no backup");
  }

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
  std::map<std::pair<std::string, std::string>, audit::Document> documents_;
  std::vector<audit::Event> events_;
  audit::Head head_;
};

}  // namespace loam::test
