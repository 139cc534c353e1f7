#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace loam::decode {

/// How many channels, patterns and shard channels a Redis connection listens to, by the confirmations that it got: an
/// UNSUBSCRIBE without arguments is confirmed once for each.
class RedisSubscriptions {
 public:
  enum class Change : std::uint8_t { Subscribe, Psubscribe, Ssubscribe, Unsubscribe, Punsubscribe, Sunsubscribe };

  /// The change that a command asks for, or a confirmation tells, by its name in capitals.
  static std::optional<Change> change(std::string_view name) {
    constexpr std::string_view kNames[] = {"SUBSCRIBE",   "PSUBSCRIBE",   "SSUBSCRIBE",
                                           "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"};
    for (std::size_t i = 0; i < 6; ++i) {
      if (name == kNames[i]) return static_cast<Change>(i);
    }
    return std::nullopt;
  }
  static bool isMessage(std::string_view name) { return name == "MESSAGE" || name == "PMESSAGE" || name == "SMESSAGE"; }

  bool any() const { return counts_[0] + counts_[1] + counts_[2] > 0; }
  /// How many confirmations a command without arguments gets.
  std::uint64_t confirmations(Change of) const {
    const std::uint64_t count = counts_[index(of)];
    return count > 0 ? count : 1;
  }
  /// A confirmation came; `left` is the number in it: channels and patterns together, or shard channels.
  void confirm(Change change, std::uint64_t left) {
    const std::size_t at = index(change);
    const std::uint64_t before = at == 2 ? counts_[2] : counts_[0] + counts_[1];
    if (left > before) ++counts_[at];
    if (left < before && counts_[at] > 0) --counts_[at];
  }
  void clear() { *this = RedisSubscriptions(); }

 private:
  static std::size_t index(Change change) { return static_cast<std::size_t>(change) % 3; }

  std::uint64_t counts_[3] = {0, 0, 0};
};

}  // namespace loam::decode
