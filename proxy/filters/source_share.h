#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"

namespace loam::filters {

/// For which callers a stage holds whose percentage is of sources, as a snapshot says it. Immutable.
struct SourceShare {
  static constexpr std::int32_t kWhole = 100'000;

  std::int32_t share = kWhole;       ///< thousandths of a percent
  std::string salt;                  ///< of the buckets
  std::vector<std::string> include;  ///< units that are in whatever the share says; sorted
  std::vector<std::string> exclude;  ///< units that are out; wins; sorted

  /// Whether one unit is in: the caller's name, or the text of its address where nobody knows a name. `exclude`, then
  /// `include`, then its bucket, as flags::switched has it for a great population; of a small one the controller names
  /// the units (ADR 10). Whom nobody knows has no bucket: he is in only by name or where the share is whole, since no
  /// preview could have named him.
  bool has(std::string_view caller, const IpAddress& client) const;
};

}  // namespace loam::filters
