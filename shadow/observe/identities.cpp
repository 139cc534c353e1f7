#include "shadow/observe/identities.h"

#include "proxy/wire/report.h"

namespace loam::observe {

std::uint32_t Identities::acquire(std::string_view text) {
  if (text.empty()) return kOther;
  auto at = numbers_.find(text);
  if (at == numbers_.end()) {
    if (numbers_.size() >= most_) return kOther;
    if (free_.empty()) {
      free_.push_back(kFirst + static_cast<std::uint32_t>(entries_.size()));
      entries_.emplace_back();
    }
    at = numbers_.emplace(text, free_.back()).first;
    free_.pop_back();
    entries_[at->second - kFirst].text = at->first;
  }
  ++entries_[at->second - kFirst].holders;
  return at->second;
}

void Identities::hold(std::uint32_t identity) {
  if (identity >= kFirst) ++entries_[identity - kFirst].holders;
}

void Identities::release(std::uint32_t identity) {
  if (identity < kFirst) return;
  Entry& entry = entries_[identity - kFirst];
  if (--entry.holders > 0) return;
  numbers_.erase(numbers_.find(entry.text));
  entry.text = {};
  free_.push_back(identity);
}

std::string_view Identities::text(std::uint32_t identity) const {
  if (identity == kNone) return {};
  return identity == kOther ? wire::kOtherIdentity : entries_[identity - kFirst].text;
}

}  // namespace loam::observe
