#pragma once

#include <json/value.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/tls/certificate.h"
#include "rollout/identity/hierarchy.h"
#include "rollout/identity/spiffe_id.h"

namespace loam::identity {

/// A leaf that was issued, as the audit log and the deny-list know it.
struct Issued {
  std::string chainPem;  ///< leaf, then intermediate
  std::string serial;
  std::string spiffe;
  std::int64_t notBefore = 0;
  std::int64_t notAfter = 0;

  bool operator==(const Issued&) const = default;
};

constexpr std::string_view kIssuedKind = "certificate";

Json::Value toJson(const Issued& issued);
Result<Issued> issuedFromJson(const Json::Value& body);

/// The keys that leaves are signed with. The control thread alone; a program that holds one keeps itself out of core
/// dumps and debuggers (PR_SET_DUMPABLE 0, D11).
class Authority {
 public:
  static constexpr std::chrono::hours kLeafLife{7 * 24};

  /// `clock` outlives it.
  Authority(Hierarchy hierarchy, std::string trustDomain, const Clock& clock, std::chrono::hours leafLife = kLeafLife);

  /// Signs `csr` for `spiffe` and nothing else: of the request only the key is taken, after it proved that its owner
  /// has the private half (D9). A leaf ends with its intermediate at the latest. InvalidArgument says what is wrong
  /// with the request or the name; Exhausted: the intermediate has expired.
  Result<Issued> issue(std::string_view csr, const std::string& spiffe) const;

  /// Half of the intermediate's life is over: time to renewIntermediate().
  bool wantsIntermediate() const;
  const Hierarchy& hierarchy() const { return hierarchy_; }
  const std::string& trustDomain() const { return trustDomain_; }

 private:
  Hierarchy hierarchy_;
  std::string trustDomain_;
  const Clock& clock_;
  std::chrono::hours leafLife_;
};

}  // namespace loam::identity
