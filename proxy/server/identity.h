#pragma once

#include <string>
#include <string_view>

#include "proxy/base/result.h"
#include "proxy/tls/certificate.h"
#include "proxy/wire/enrolment.h"

namespace loam::server {

/// Who a proxy is and whom it believes, as one thing: so that no crash leaves a key with another's certificate.
struct Identity {
  tls::Credentials own{};  ///< leaf, then what leads to a root; never empty
  wire::Trust trust{};     ///< in force and on the disk without those that are denied: they come with each snapshot
  std::string token{};     ///< SHA-256 of the token that it joined with: one is not tried twice

  const tls::Certificate& leaf() const { return own.chain.front(); }
};

/// Of an enrolment over `keyPem`. Protocol says what is wrong with it: its roots, a chain that leads to none of them, a
/// name that is not `spiffe`.
Result<Identity> identityOf(const wire::Enrolment& enrolment, std::string keyPem, const std::string& spiffe);

/// Whether these roots can be read and the one that issues is among them; Protocol when not.
Result<std::vector<tls::Certificate>> rootsOf(const wire::Trust& trust);
/// Whether the leaf was issued under the root that issues now.
bool isUpToDate(const Identity& identity);

/// "spiffe://loam/proxy/node-a".
std::string spiffeId(std::string_view domain, std::string_view kind, std::string_view name);
/// "loam" of "spiffe://loam/proxy/node-a"; empty for what is no SPIFFE id.
std::string domainOf(std::string_view spiffe);
/// Who the controller of that name has to be to this proxy.
std::string controllerOf(const Identity& identity, std::string_view name);

}  // namespace loam::server
