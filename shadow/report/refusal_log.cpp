#include "shadow/report/refusal_log.h"

#include <utility>

namespace loam::report {

void RefusalLog::take(const wire::Verdict& verdict) {
  if (!verdict.enforced) return;
  wire::Verdict key = verdict;
  key.start = 0;
  key.count = 0;
  key.generation = 0;
  const auto known = further_.find(key);
  if (known != further_.end()) {
    const std::uint64_t before = known->second.count;
    known->second = verdict;
    known->second.count += before;
  } else if (further_.size() < kMost) {
    say(verdict, verdict.count);
    further_.emplace(std::move(key), verdict).first->second.count = 0;
  } else {
    others_ += verdict.count;
  }
}

void RefusalLog::tick() {
  if (clock_.now() - since_ < kAgain) return;
  since_ = clock_.now();
  for (const auto& [key, last] : std::exchange(further_, {})) {
    if (last.count != 0) say(last, last.count);
  }
  if (others_ != 0) log_.warn("admission", "and other connections refused", {{"count", std::to_string(others_)}});
  others_ = 0;
}

void RefusalLog::say(const wire::Verdict& verdict, std::uint64_t count) {
  log_.warn("admission", "connections refused",
            {{"client", verdict.client.text()},
             {"destination", verdict.destination.text()},
             {"identity", verdict.identity.empty() ? "none" : verdict.identity},
             {"feature", verdict.feature},
             {"rule", verdict.rule},
             {"generation", std::to_string(verdict.generation)},
             {"count", std::to_string(count)}});
}

}  // namespace loam::report
