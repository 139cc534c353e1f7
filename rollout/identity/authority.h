#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/tls/certificate.h"
#include "proxy/tls/key_pair.h"

namespace loam::identity {

/// The name in a leaf: "spiffe://loam/proxy/node-a".
std::string spiffeId(std::string_view trustDomain, std::string_view kind, std::string_view name);

/// A leaf that was issued, as the audit log and the deny-list know it.
struct Issued {
  std::string chainPem;  ///< leaf, then intermediate
  std::string serial;
  std::string spiffe;
  std::int64_t notBefore = 0;
  std::int64_t notAfter = 0;
};

/// The keys that leaves are signed with. The control thread alone.
class Authority {
 public:
  static constexpr std::chrono::hours kLeafLife{7 * 24};
  static constexpr seconds kBackdated{60};  ///< for clocks that are behind (D8)

  /// Signs `csr` for `spiffe` and nothing else: of the request only the key is taken, after it proved that its owner
  /// has the private half (D9). InvalidArgument says what is wrong with it.
  Result<Issued> issue(std::string_view csr, const std::string& spiffe);
};

}  // namespace loam::identity
