#pragma once

#include <json/value.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/fields.h"
#include "rollout/features/feature.h"
#include "rollout/flags/desired.h"

namespace loam::changes {

/// What is to become of one flag; what is absent stays as it is.
struct CellEdit {
  flags::Cell cell;
  std::optional<std::string> stage;
  std::optional<flags::Share> share;
  std::optional<std::vector<std::string>> include;
  std::optional<std::vector<std::string>> exclude;
  std::optional<Json::Value> settings;
  std::optional<std::int64_t> expires;  ///< unix seconds; 0: never
  std::optional<std::int64_t> at;       ///< stage and share not now but then; 0: what was scheduled is called off

  bool operator==(const CellEdit&) const = default;
};

Json::Value toJson(const CellEdit& edit);
/// Reads one; what is wrong goes to the problems of `fields`, which were read with cellEditMembers().
CellEdit readCellEdit(Fields& fields);
std::vector<CellEdit> readCellEdits(Fields& fields, std::string_view name);

/// A need of the new stage, and whether it is met.
struct NeedState {
  features::Need need;
  bool met = false;
  std::string found;  ///< "off", "on at 10 %"
};

/// What an edit would make of its flag.
struct Judgement {
  flags::Flag before;
  flags::Flag after;
  std::vector<FieldProblem> problems;     ///< not empty: it cannot be applied; pointers relative to the edit
  std::vector<NeedState> needs;           ///< of `after`; one that is not met keeps it from being applied when it rises
  bool rises = false;                     ///< to a higher stage, or more of it
  std::vector<features::Check> checks{};  ///< of a rise: what the record and the fleet show; those that fail keep it
  bool riskAccepted = false;              ///< from being applied, unless somebody answers for it

  /// What fails, in words; empty: nothing.
  std::string risk() const;
  bool applies() const;
};

/// Judges an edit against what is wanted now; `later` is the same with all edits of the change done, which its needs
/// are looked up in. `now` in unix seconds. Pure.
Judgement judge(const flags::Desired& desired, const CellEdit& edit, std::int64_t now);
/// What a rise of `before` stands on.
using Grounds = std::function<features::Ground(const flags::Flag& before)>;
/// Of a rise that has no problems; without grounds nothing can be shown.
std::vector<features::Check> checksOf(const Judgement& judgement, const Grounds& grounds);
std::vector<NeedState> needsOf(const flags::Flag& flag, const flags::Desired& later);

}  // namespace loam::changes
