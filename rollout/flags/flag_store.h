#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "rollout/audit/journal.h"
#include "rollout/audit/ledger.h"
#include "rollout/flags/desired.h"

namespace loam::flags {

/// The one who writes what is wanted. Every change is on the disk, with its audit event, before anybody sees it; but a
/// kill is in force also where the ledger cannot be written: it goes to the emergency journal, and into the ledger as
/// soon as that is possible again. desired() may be asked by any thread; all else is the control thread's.
class FlagStore {
 public:
  /// Everything outlives it.
  FlagStore(audit::Ledger& ledger, audit::Journal& journal, const Clock& clock, Log& log);

  /// Reads the journal, brings it into the ledger where that can be, and reads the ledger.
  Status load();

  std::shared_ptr<const Desired> desired() const;

  /// All or none; `stale` in the answer says which expected revisions were not met. Without `act` no audit event: for
  /// what happens by itself.
  Result<audit::Commit> commit(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act);

  /// Forgets ways down that came to their end; one that was begun anew since stays. What cannot be written now is tried
  /// when it is asked again.
  void endDescents(std::span<const Descent> over);

  /// How a kill was written.
  struct Killed {
    std::uint64_t revision = 0;
    std::vector<Cell> cells;  ///< that were on and are off now
    bool journalled = false;  ///< the ledger could not be written
  };
  /// Takes everything off that a scope means (empty: all), at once and whatever anybody expected.
  Killed kill(const std::string& service, const std::string& feature, const audit::Act& act);

  /// Brings what was journalled into the ledger when it can be written again. Call it every second.
  void settleJournal();
  bool isJournalled() const { return !pending_.empty(); }

  /// Called on the control thread after each change.
  void onChange(std::function<void(std::shared_ptr<const Desired>)> then) { listeners_.push_back(std::move(then)); }

 private:
  Status reread();
  void publish(std::span<const audit::Edit> edits, std::uint64_t revision);
  std::vector<audit::Edit> withDescents(std::span<const audit::Edit> edits) const;
  std::vector<audit::Edit> killEdits(const std::string& service, const std::string& feature, const audit::Act& act,
                                     std::vector<Cell>& cells) const;

  audit::Ledger& ledger_;
  audit::Journal& journal_;
  const Clock& clock_;
  Log& log_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Desired> desired_ = std::make_shared<const Desired>();
  std::vector<audit::JournalEntry> pending_;  // in force, and not in the ledger
  bool inDoubt_ = false;                      // whether the last commit was written; the ledger says
  std::vector<std::function<void(std::shared_ptr<const Desired>)>> listeners_;
};

}  // namespace loam::flags
