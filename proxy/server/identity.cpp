#include "proxy/server/identity.h"

#include <algorithm>
#include <utility>

namespace loam::server {

namespace {

constexpr std::string_view kScheme = "spiffe://";

bool leadsTo(const std::vector<tls::Certificate>& chain, const tls::Certificate& root) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (!chain[i - 1].isSignedBy(chain[i])) return false;
  }
  return chain.back().fingerprint() == root.fingerprint() || chain.back().isSignedBy(root);
}

}  // namespace

Result<std::vector<tls::Certificate>> rootsOf(const wire::Trust& trust) {
  std::vector<tls::Certificate> roots;
  bool issuing = false;
  for (const std::string& pem : trust.roots) {
    auto root = tls::Certificate::fromPem(pem);
    if (!root) return fail(ErrorCode::Protocol, "the trust: " + root.error().context);
    issuing = issuing || root->fingerprint() == trust.issuing;
    roots.push_back(*std::move(root));
  }
  if (!issuing) return fail(ErrorCode::Protocol, "the trust: the root that issues is not among its roots");
  return roots;
}

Result<Identity> identityOf(const wire::Enrolment& enrolment, std::string keyPem, const std::string& spiffe) {
  const auto roots = rootsOf(enrolment.trust);
  if (!roots) return fail(roots.error());
  auto chain = tls::certificatesFromPem(enrolment.chain);
  if (!chain) return fail(ErrorCode::Protocol, "the certificate: " + chain.error().context);
  if (std::none_of(roots->begin(), roots->end(), [&](const tls::Certificate& root) { return leadsTo(*chain, root); })) {
    return fail(ErrorCode::Protocol, "the certificate leads to none of the roots that came with it");
  }
  const std::string name = chain->front().spiffeId();
  if (name != spiffe) {
    return fail(ErrorCode::Protocol, "the certificate is for \"" + name + "\" where " + spiffe + " was asked for");
  }
  return Identity{{*std::move(chain), std::move(keyPem)}, enrolment.trust, {}};
}

bool isUpToDate(const Identity& identity) {
  const auto roots = rootsOf(identity.trust);
  return roots && std::any_of(roots->begin(), roots->end(), [&](const tls::Certificate& root) {
           return root.fingerprint() == identity.trust.issuing && leadsTo(identity.own.chain, root);
         });
}

std::string spiffeId(std::string_view domain, std::string_view kind, std::string_view name) {
  return std::string(kScheme).append(domain).append("/").append(kind).append("/").append(name);
}

std::string domainOf(std::string_view spiffe) {
  if (!spiffe.starts_with(kScheme)) return {};
  spiffe.remove_prefix(kScheme.size());
  const std::size_t end = spiffe.find('/');
  return end == std::string_view::npos ? std::string() : std::string(spiffe.substr(0, end));
}

std::string controllerOf(const Identity& identity, std::string_view name) {
  return spiffeId(domainOf(identity.leaf().spiffeId()), "controller", name);
}

}  // namespace loam::server
