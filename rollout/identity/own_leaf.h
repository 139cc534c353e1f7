#pragma once

#include "proxy/tls/certificate.h"
#include "rollout/identity/authority.h"

namespace loam::identity {

/// The controller in its certificates: "spiffe://loam/controller/controller". All controllers of a mesh have this one
/// name: agents expect it and no other.
std::string controllerId(std::string_view trustDomain);

/// A leaf of the controller's own, under a key that never leaves memory; the chain ends in the root, for those who know
/// nothing but its SHA-256 yet (D14). InvalidArgument when nobody who believes the root would believe it: an
/// intermediate of another trust domain.
Result<tls::Credentials> makeOwnLeaf(const Authority& authority, Wall now);

}  // namespace loam::identity
