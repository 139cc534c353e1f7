#include "shadow/observe/verdict_table.h"

#include <utility>

namespace loam::observe {

bool VerdictTable::add(wire::Verdict verdict) {
  const std::uint64_t count = std::exchange(verdict.count, 0);
  const bool fits = counts_.contains(verdict) || counts_.size() - others_ < most_;
  if (!fits) {
    verdict.client = {};
    verdict.destination = {};
    verdict.identity.clear();
    verdict.rule = "other";
    if (!counts_.contains(verdict)) ++others_;
  }
  counts_[std::move(verdict)] += count;
  return fits;
}

std::vector<wire::Verdict> VerdictTable::take() {
  std::vector<wire::Verdict> out;
  out.reserve(counts_.size());
  for (const auto& [verdict, count] : std::exchange(counts_, {})) {
    out.push_back(verdict);
    out.back().count = count;
  }
  others_ = 0;
  return out;
}

}  // namespace loam::observe
