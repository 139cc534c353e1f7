#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace loam::observe {

/// The SPIFFE ids that proxies at the other ends proved, each by a small number for as long as a connection or an edge
/// holds it. Who has a certificate chooses no name, but the number of them is bounded all the same: beyond kMost they
/// are all kOther. Observer thread.
class Identities {
 public:
  static constexpr std::size_t kMost = 4096;
  static constexpr std::uint32_t kNone = 0;
  static constexpr std::uint32_t kOther = 1;

  explicit Identities(std::size_t most = kMost) : most_(most) {}

  /// The number of `text`, held until release(); kOther when it finds no room, or is empty: its text was lost.
  std::uint32_t acquire(std::string_view text);
  /// Once more the same.
  void hold(std::uint32_t identity);
  void release(std::uint32_t identity);
  /// Empty for kNone, wire::kOtherIdentity for kOther.
  std::string_view text(std::uint32_t identity) const;
  std::size_t size() const { return numbers_.size(); }

 private:
  static constexpr std::uint32_t kFirst = 2;

  struct Entry {
    std::string_view text;  // the key in numbers_; empty when it is free
    std::uint64_t holders = 0;
  };

  const std::size_t most_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::vector<Entry> entries_;  // by number, less kFirst
  std::vector<std::uint32_t> free_;
};

}  // namespace loam::observe
