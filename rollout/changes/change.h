#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rollout/audit/ledger.h"
#include "rollout/changes/cell_edit.h"

namespace loam::changes {

/// A proposal: edits of one or many flags, with the revisions that they were made under.
struct Change {
  enum class State : std::uint8_t { Open, Applied, Discarded };

  std::string id;
  std::vector<CellEdit> edits;                 ///< one for each cell, by cell
  std::map<flags::Cell, std::uint64_t> bases;  ///< revision of each flag when it was proposed
  State state = State::Open;
  std::string by;
  std::int64_t at = 0;         ///< unix milliseconds
  std::uint64_t revision = 0;  ///< of the commit that made it what it is: applied it, say

  bool operator==(const Change&) const = default;
  /// Of the edits and their bases: whoever applies says which proposal was seen.
  std::string hash() const;
};

constexpr std::string_view kChangeKind = "change";
std::string_view name(Change::State state);

Json::Value toJson(const Change& change);
Result<Change> fromDocument(const audit::Document& document);

/// A change against what is wanted now.
struct Preview {
  std::vector<Judgement> judgements;  ///< in the order of the edits
  struct Moved {
    flags::Cell cell;
    std::uint64_t base = 0;
    flags::Flag current;
  };
  std::vector<Moved> moved;  ///< flags that somebody changed since: the change is stale

  bool applies() const;
};

/// What a change is judged by beside what is wanted.
struct Basis {
  Grounds grounds{};
  bool acceptRisk = false;  ///< whoever applies answers for checks that fail
};

/// Pure but for the grounds.
Preview preview(const flags::Desired& desired, const Change& change, std::int64_t now, const Basis& basis = {});

/// The act with what somebody answers for, where checks fail: for the audit log.
audit::Act withRisk(audit::Act act, const Preview& preview);

/// The edits of the ledger that make it so: every flag under its base, and the change itself. For a preview that
/// applies. `act` says who and why.
std::vector<audit::Edit> commitOf(const Change& change, const Preview& preview, const audit::Act& act,
                                  std::int64_t nowMs);

}  // namespace loam::changes
