#pragma once

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

namespace loam {

/// A set in one sorted array, made at once and then only asked: for tables of many thousand entries that live as long
/// as one reading, whose nodes would leave the heap in pieces.
template <class T>
class FlatSet {
 public:
  FlatSet() = default;
  FlatSet(std::initializer_list<T> values) : FlatSet(std::vector<T>(values)) {}
  explicit FlatSet(std::vector<T> values) : values_(std::move(values)) {
    std::sort(values_.begin(), values_.end());
    values_.erase(std::unique(values_.begin(), values_.end()), values_.end());
  }
  bool contains(const T& value) const { return std::binary_search(values_.begin(), values_.end(), value); }

 private:
  std::vector<T> values_;
};

/// The same for keys with values; of a key that is given several times the last value counts.
template <class Key, class Value>
class FlatMap {
 public:
  using Entry = std::pair<Key, Value>;

  FlatMap() = default;
  explicit FlatMap(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::stable_sort(entries_.begin(), entries_.end(), before);
    const auto sameKey = [](const Entry& left, const Entry& right) { return left.first == right.first; };
    // Over the reversed array, unique keeps of each key what came last.
    const auto kept = std::unique(entries_.rbegin(), entries_.rend(), sameKey);
    entries_.erase(entries_.begin(), kept.base());
  }
  const Value* find(const Key& key) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), Entry{key, {}}, before);
    return at != entries_.end() && at->first == key ? &at->second : nullptr;
  }
  Value* find(const Key& key) { return const_cast<Value*>(std::as_const(*this).find(key)); }
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

 private:
  static bool before(const Entry& left, const Entry& right) { return left.first < right.first; }

  std::vector<Entry> entries_;
};

}  // namespace loam
