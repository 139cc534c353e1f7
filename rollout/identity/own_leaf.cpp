#include "rollout/identity/own_leaf.h"

#include <utility>

#include "proxy/tls/key_pair.h"
#include "proxy/tls/openssl.h"
#include "rollout/identity/spiffe_id.h"

namespace loam::identity {

namespace {

using tls::Freed;

/// Why nobody would believe `chain`, which ends in its root; empty when all would.
std::string whyNotBelieved(const std::vector<tls::Certificate>& chain, Wall now) {
  const std::unique_ptr<X509_STORE, Freed<X509_STORE_free>> store(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>> verification(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * all) { sk_X509_free(all); })> between(
      sk_X509_new_null());
  if (!store || !verification || !between || X509_STORE_add_cert(store.get(), chain.back().get()) != 1 ||
      sk_X509_push(between.get(), chain[1].get()) == 0 ||
      X509_STORE_CTX_init(verification.get(), store.get(), chain.front().get(), between.get()) != 1) {
    return tls::takeReason();
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(verification.get()), unixSeconds(now));
  const bool good = X509_verify_cert(verification.get()) == 1;
  const int error = X509_STORE_CTX_get_error(verification.get());
  ERR_clear_error();
  return good ? std::string() : std::string(X509_verify_cert_error_string(error));
}

}  // namespace

std::string controllerId(std::string_view trustDomain) { return spiffeId(trustDomain, "controller", "controller"); }

Result<tls::Credentials> makeOwnLeaf(const Authority& authority, Wall now) {
  const std::string id = controllerId(authority.trustDomain());
  const auto key = tls::KeyPair::generate();
  if (!key) return fail(key.error());
  const auto request = tls::signingRequest(*key, "controller");
  if (!request) return fail(request.error());
  const auto issued = authority.issue(*request, id);
  if (!issued) return fail(issued.error());
  auto chain = tls::certificatesFromPem(issued->chainPem);
  if (!chain) return fail(std::move(chain).error());
  chain->push_back(authority.hierarchy().root);
  if (const std::string why = whyNotBelieved(*chain, now); !why.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "the authority " + authority.hierarchy().id() + " cannot vouch for " + id + ": " + why);
  }
  return tls::Credentials{*std::move(chain), key->toPem()};
}

}  // namespace loam::identity
