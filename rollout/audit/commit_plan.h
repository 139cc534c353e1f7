#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/result.h"
#include "rollout/audit/ledger.h"

namespace loam::audit {

/// Where a ledger stands, and what its next commit goes on from.
struct Head {
  std::uint64_t revision = 0;
  std::uint64_t sequence = 0;  ///< of the last event
  std::string hash = std::string(kNoHash);

  bool operator==(const Head&) const = default;
};

/// What one commit writes. Decided here, without a store, so that every store decides alike.
struct CommitPlan {
  std::vector<Stale> stale;  ///< not empty: nothing is to be written
  std::vector<Document> written;
  std::vector<std::pair<std::string, std::string>> removed;  ///< kind and key
  std::vector<Event> events;
  Head head;  ///< afterwards
};

/// How deep a body may be nested.
constexpr int kMostBodyDepth = 60;
/// How deep the patch of an event may be: a body inside a step inside the array.
constexpr int kMostPatchDepth = kMostBodyDepth + 4;

/// The edits with their bodies as any store would give them back: written as canonical JSON and read again.
/// InvalidArgument names every problem: a document without a kind or key, or edited twice; a body that is null or no
/// JSON; text that is no UTF-8 or holds a NUL; an act without a who or a verb.
Result<std::vector<Edit>> checkEdits(std::span<const Edit> edits, const std::optional<Act>& act);

/// `current` has, for each of the checked `edits`, the document that it is about. `at` is in unix milliseconds.
CommitPlan planCommit(const Head& head, std::span<const Edit> edits, std::span<const std::optional<Document>> current,
                      const std::optional<Act>& act, std::int64_t at);

}  // namespace loam::audit
