#include "shadow/observe/verdict_table.h"

#include <utility>

namespace loam::observe {

bool VerdictTable::add(wire::Verdict verdict) {
  const std::uint64_t count = std::exchange(verdict.count, 0);
  const std::uint64_t generation = std::exchange(verdict.generation, 0);
  const bool fits = sums_.contains(verdict) || sums_.size() - others_ < most_;
  if (!fits) {
    verdict.client = {};
    verdict.destination = {};
    verdict.identity.clear();
    verdict.rule = "other";
    if (!sums_.contains(verdict)) ++others_;
  }
  Sum& sum = sums_[std::move(verdict)];
  sum.count += count;
  sum.generation = generation;
  return fits;
}

std::vector<wire::Verdict> VerdictTable::take() {
  std::vector<wire::Verdict> out;
  out.reserve(sums_.size());
  for (const auto& [verdict, sum] : std::exchange(sums_, {})) {
    out.push_back(verdict);
    out.back().count = sum.count;
    out.back().generation = sum.generation;
  }
  others_ = 0;
  return out;
}

}  // namespace loam::observe
