#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace loam::upstream {

/// What sends the same to the same endpoint: a hash of the client's address, a header, a cookie or a query parameter.
/// The same in every proxy, so that all send it there.
class PickKey {
 public:
  /// None: the request does not have it, or nobody hashes. Chance decides.
  PickKey() = default;
  static PickKey of(std::string_view text);

  const std::optional<std::uint64_t>& hash() const { return hash_; }

 private:
  std::optional<std::uint64_t> hash_;
};

}  // namespace loam::upstream
