#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loam::filters {

/// For which units a stage holds: the proxy's half of a percentage (rollout.md 3.4). The controller resolves shares of
/// small populations into `include`. Immutable, any thread.
class UnitShare {
 public:
  static constexpr std::int32_t kWhole = 100'000;  ///< thousandths of a percent

  /// All of them.
  UnitShare() = default;
  /// Of the names, `exclude` wins. Both are sorted.
  UnitShare(std::int32_t share, std::string salt, std::vector<std::string> include, std::vector<std::string> exclude)
      : share_(share), salt_(std::move(salt)), include_(std::move(include)), exclude_(std::move(exclude)) {}

  bool has(std::string_view unit) const;

 private:
  std::int32_t share_ = kWhole;
  std::string salt_;
  std::vector<std::string> include_;
  std::vector<std::string> exclude_;
};

}  // namespace loam::filters
