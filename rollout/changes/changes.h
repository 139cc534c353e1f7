#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "rollout/changes/change.h"
#include "rollout/flags/flag_store.h"

namespace loam::changes {

/// Why a change was not applied: what stands against it, to be shown.
struct Refused {
  enum class Why : std::uint8_t {
    Unknown,  ///< no such change
    Closed,   ///< applied or discarded already
    Unseen,   ///< the hash is not of what it is now
    Stale,    ///< flags moved since it was proposed
    Invalid,  ///< an edit cannot be applied
    NotReady  ///< a need is not met
  };
  Why why = Why::Unknown;
  Change change;
  Preview preview;
};
std::string_view name(Refused::Why why);

/// Proposals and what becomes of them. find() and open() may be asked by any thread; all else is the control thread's.
class Changes {
 public:
  static constexpr std::size_t kMostOpen = 1000;
  static constexpr std::size_t kMostClosed = 1000;  ///< older ones are forgotten; the audit log keeps them
  static constexpr milliseconds kOpenFor{24 * 3'600'000};

  /// `random` gives 64 bits each time: for names and salts. All outlive it.
  Changes(flags::FlagStore& store, const Clock& clock, std::function<std::uint64_t()> random);

  Status load(const std::vector<audit::Document>& documents);

  /// Keeps a proposal under what is wanted now. InvalidArgument: no edits, or two of one cell; Exhausted: too many open
  /// ones.
  Result<Change> propose(std::vector<CellEdit> edits, const audit::Act& act);
  /// The same without keeping it: for a look at its preview. It has no id, and nobody can apply it.
  Result<Change> draft(std::vector<CellEdit> edits, const audit::Act& act) const;
  /// Does it when it is what its hash says and still applies. An error is the ledger's.
  Result<tl::expected<Change, Refused>> apply(const std::string& id, const std::string& hash, const audit::Act& act,
                                              const Basis& basis = {});
  /// Proposes and applies at once, with `also`, in one commit: for who has seen already what it does.
  Result<tl::expected<Change, Refused>> applyAtOnce(std::vector<CellEdit> edits, std::vector<audit::Edit> also,
                                                    const audit::Act& act, const Basis& basis = {});
  Result<tl::expected<Change, Refused>> discard(const std::string& id, const audit::Act& act);

  /// Takes flags off whose time is over, and does what was scheduled for now; what no longer applies is called off.
  /// Discards proposals that nobody looked after for kOpenFor, and forgets all but the newest closed ones. Call it
  /// every second.
  void keepAppointments(const Grounds& grounds = {});

  std::optional<Change> find(const std::string& id) const;
  /// Those that wait, oldest first.
  std::vector<Change> open() const;
  Preview preview(const Change& change, const Basis& basis = {}) const;

 private:
  std::int64_t nowMs() const;
  std::string newId() const;
  void expireOpen();
  void forgetClosed();
  Result<Change> write(Change change, std::vector<audit::Edit> edits, const audit::Act& act);

  flags::FlagStore& store_;
  const Clock& clock_;
  const std::function<std::uint64_t()> random_;
  mutable std::mutex mutex_;
  std::map<std::string, Change> changes_;
};

}  // namespace loam::changes
