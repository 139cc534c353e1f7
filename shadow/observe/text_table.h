#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace loam::observe {

/// Texts by their hash, the most recently used of them: two generations of at most `half` each, of which the older is
/// dropped when the younger is full. At most 2 x half texts of Text::kMostText bytes. Observer thread.
class TextTable {
 public:
  explicit TextTable(std::size_t half = 8192) : half_(half) {}

  void put(std::uint64_t hash, std::string_view text) {
    if (find(hash).empty()) insert(hash, std::string(text));
  }
  /// Empty when it is unknown; the view holds until the next call of put() or find().
  std::string_view find(std::uint64_t hash) {
    if (const auto at = young_.find(hash); at != young_.end()) return at->second;
    const auto at = old_.find(hash);
    if (at == old_.end()) return {};
    std::string text = std::move(at->second);
    old_.erase(at);
    return insert(hash, std::move(text));
  }

 private:
  std::string_view insert(std::uint64_t hash, std::string text) {
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_ = {};
    }
    return young_.emplace(hash, std::move(text)).first->second;
  }

  const std::size_t half_;
  std::unordered_map<std::uint64_t, std::string> young_;
  std::unordered_map<std::uint64_t, std::string> old_;
};

}  // namespace loam::observe
