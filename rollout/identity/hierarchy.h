#pragma once

#include <json/value.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/tls/certificate.h"
#include "proxy/tls/key_pair.h"

namespace loam::identity {

class KeyVault;

constexpr std::chrono::hours kRootLife{10 * 365 * 24};
constexpr std::chrono::hours kIntermediateLife{365 * 24};
constexpr seconds kBackdated{60};  ///< for clocks that are behind (D8)

/// A root, and the intermediate below it that leaves are signed with.
struct Hierarchy {
  tls::Certificate root;
  std::optional<tls::KeyPair> rootKey;  ///< absent where it is kept elsewhere: the intermediate then ends with its year
  tls::Certificate intermediate;
  tls::KeyPair intermediateKey;

  /// What rotation and pins call it by: the root's SHA-256.
  std::string id() const { return root.fingerprint(); }
};

/// Both new, ECDSA P-256: 10 years and 1 year, but the intermediate never longer than its root.
Result<Hierarchy> makeHierarchy(std::string_view trustDomain, Wall now);
/// An intermediate of another authority, with its key and that authority's root, both in PEM. InvalidArgument says all
/// that is wrong with them.
Result<Hierarchy> adoptHierarchy(std::string_view intermediatePem, std::string_view rootPem, std::string_view keyPem,
                                 Wall now);
/// A new intermediate with a new key below the same root. NotFound where the root's key is kept elsewhere.
Result<Hierarchy> renewIntermediate(const Hierarchy& old, std::string_view trustDomain, Wall now);

constexpr std::string_view kHierarchyKind = "authority";

/// The certificates alone: the body of its document. The keys go to a vault, under the fingerprints of their
/// certificates.
Json::Value toJson(const Hierarchy& hierarchy);
Status storeKeys(const Hierarchy& hierarchy, const KeyVault& vault);
/// The same with its keys. A root without a key in the vault has it elsewhere; an intermediate without one is an error.
Result<Hierarchy> hierarchyFromJson(const Json::Value& body, const KeyVault& vault);

}  // namespace loam::identity
