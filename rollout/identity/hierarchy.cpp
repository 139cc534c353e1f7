#include "rollout/identity/hierarchy.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "proxy/base/json.h"
#include "proxy/tls/openssl.h"
#include "rollout/identity/certificate_draft.h"
#include "rollout/identity/key_vault.h"
#include "rollout/identity/signing_request.h"
#include "rollout/identity/spiffe_id.h"

namespace loam::identity {

namespace {

using tls::Freed;
using StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using VerificationPtr = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;

std::int64_t secondsOf(std::chrono::hours life) { return std::chrono::duration_cast<seconds>(life).count(); }

struct Signed {
  tls::Certificate certificate;
  tls::KeyPair key;
};

Result<Signed> makeIntermediate(const tls::Certificate& root, const tls::KeyPair& rootKey, std::string_view trustDomain,
                                Wall now) {
  auto key = tls::KeyPair::generate();
  if (!key) return fail(std::move(key).error());
  const std::int64_t start = unixSeconds(now) - kBackdated.count();
  CertificateDraft draft;
  draft.kind = CertificateKind::Intermediate;
  draft.commonName = std::string(trustDomain) + " intermediate";
  draft.name = trustDomain;
  draft.notBefore = std::max(start, root.notBefore());
  draft.notAfter = std::min(start + secondsOf(kIntermediateLife), root.notAfter());
  draft.key = key->get();
  auto certificate = sign(draft, &root, rootKey);
  if (!certificate) return fail(std::move(certificate).error());
  return Signed{*std::move(certificate), *std::move(key)};
}

/// Why `intermediate` does not lead to `root` at `now`; empty when it does.
std::string whyNotBelow(const tls::Certificate& intermediate, const tls::Certificate& root, Wall now) {
  const StorePtr store(X509_STORE_new());
  const VerificationPtr verification(X509_STORE_CTX_new());
  if (!store || !verification || X509_STORE_add_cert(store.get(), root.get()) != 1 ||
      X509_STORE_CTX_init(verification.get(), store.get(), intermediate.get(), nullptr) != 1) {
    return tls::takeReason();
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(verification.get()), unixSeconds(now));
  const bool good = X509_verify_cert(verification.get()) == 1;
  const int error = X509_STORE_CTX_get_error(verification.get());
  ERR_clear_error();
  return good ? std::string() : std::string(X509_verify_cert_error_string(error));
}

bool maySign(const tls::Certificate& certificate) {
  const std::uint32_t flags = X509_get_extension_flags(certificate.get());
  return (flags & EXFLAG_CA) != 0 && (X509_get_key_usage(certificate.get()) & KU_KEY_CERT_SIGN) != 0;
}

}  // namespace

Result<Hierarchy> makeHierarchy(std::string_view trustDomain, Wall now) {
  if (!isTrustDomain(trustDomain)) {
    return fail(ErrorCode::InvalidArgument, "the trust domain \"" + std::string(trustDomain) +
                                                "\": expected lower-case letters, digits, dots and dashes");
  }
  auto key = tls::KeyPair::generate();
  if (!key) return fail(std::move(key).error());
  CertificateDraft draft;
  draft.kind = CertificateKind::Root;
  draft.commonName = std::string(trustDomain) + " root";
  draft.notBefore = unixSeconds(now) - kBackdated.count();
  draft.notAfter = draft.notBefore + secondsOf(kRootLife);
  draft.key = key->get();
  auto root = sign(draft, nullptr, *key);
  if (!root) return fail(std::move(root).error());
  auto below = makeIntermediate(*root, *key, trustDomain, now);
  if (!below) return fail(std::move(below).error());
  return Hierarchy{*std::move(root), *std::move(key), std::move(below->certificate), std::move(below->key)};
}

Result<Hierarchy> adoptHierarchy(std::string_view intermediatePem, std::string_view rootPem, std::string_view keyPem,
                                 Wall now) {
  auto intermediate = tls::Certificate::fromPem(intermediatePem);
  auto root = tls::Certificate::fromPem(rootPem);
  auto key = tls::KeyPair::fromPem(keyPem);
  std::string problems;
  const auto note = [&problems](const std::string& problem) {
    problems.append(problems.empty() ? "" : "; ").append(problem);
  };
  if (!intermediate) note("the intermediate: " + intermediate.error().context);
  if (!root) note("the root: " + root.error().context);
  if (!key) note("the intermediate's key: " + key.error().context);
  if (key) {
    if (const std::string weak = whyWeak(key->get()); !weak.empty()) note(weak);
  }
  if (intermediate && !maySign(*intermediate)) {
    note("the intermediate may not sign certificates (CA:TRUE and keyCertSign)");
  }
  if (intermediate && key && X509_check_private_key(intermediate->get(), key->get()) != 1) {
    note("the key is not the intermediate's");
  }
  if (intermediate && root) {
    if (const std::string why = whyNotBelow(*intermediate, *root, now); !why.empty()) {
      note("the intermediate does not lead to the root: " + why);
    }
  }
  ERR_clear_error();
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, problems);
  return Hierarchy{*std::move(root), std::nullopt, *std::move(intermediate), *std::move(key)};
}

Result<Hierarchy> renewIntermediate(const Hierarchy& old, std::string_view trustDomain, Wall now) {
  if (!old.rootKey) {
    return fail(ErrorCode::NotFound, "the root's key is kept elsewhere: its owner has to sign the next intermediate");
  }
  auto below = makeIntermediate(old.root, *old.rootKey, trustDomain, now);
  if (!below) return fail(std::move(below).error());
  return Hierarchy{old.root, old.rootKey, std::move(below->certificate), std::move(below->key)};
}

Json::Value toJson(const Hierarchy& hierarchy) {
  Json::Value body(Json::objectValue);
  body["root"] = hierarchy.root.toPem();
  body["intermediate"] = hierarchy.intermediate.toPem();
  return body;
}

Status storeKeys(const Hierarchy& hierarchy, const KeyVault& vault) {
  if (hierarchy.rootKey) LOAM_TRY(vault.store(hierarchy.root.fingerprint(), *hierarchy.rootKey));
  return vault.store(hierarchy.intermediate.fingerprint(), hierarchy.intermediateKey);
}

Result<Hierarchy> hierarchyFromJson(const Json::Value& body, const KeyVault& vault) {
  const auto rootPem = readString(body, "root");
  if (!rootPem) return fail(rootPem.error());
  const auto intermediatePem = readString(body, "intermediate");
  if (!intermediatePem) return fail(intermediatePem.error());
  auto root = tls::Certificate::fromPem(*rootPem);
  if (!root) return fail(std::move(root).error());
  auto intermediate = tls::Certificate::fromPem(*intermediatePem);
  if (!intermediate) return fail(std::move(intermediate).error());
  auto key = vault.load(intermediate->fingerprint());
  if (!key) return fail(std::move(key).error());
  auto rootKey = vault.load(root->fingerprint());
  if (!rootKey && rootKey.error().code != ErrorCode::NotFound) return fail(std::move(rootKey).error());
  std::optional<tls::KeyPair> held;
  if (rootKey) held = *std::move(rootKey);
  return Hierarchy{*std::move(root), std::move(held), *std::move(intermediate), *std::move(key)};
}

}  // namespace loam::identity
