#include "proxy/tls/verification.h"

#include <ctime>
#include <string_view>

#include "proxy/tls/openssl.h"
#include "proxy/tls/socket_bio.h"

namespace loam::tls {

namespace {

using ChainPtr = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * chain) { sk_X509_free(chain); })>;

/// What OpenSSL lets pass in a leaf and Loam does not; empty when there is nothing.
std::string_view leafFault(X509* leaf, bool isServer) {
  const std::uint32_t flags = X509_get_extension_flags(leaf);
  if ((flags & EXFLAG_CA) != 0) return "it is that of an authority (CA:TRUE)";
  if ((flags & EXFLAG_XKUSAGE) == 0) return "it has no extended key usage";
  const std::uint32_t usage = X509_get_extended_key_usage(leaf);
  if ((usage & (isServer ? XKU_SSL_SERVER : XKU_SSL_CLIENT)) == 0) {
    return isServer ? "its extended key usage is not for servers" : "its extended key usage is not for clients";
  }
  return {};
}

int refuse(X509_STORE_CTX* store, Link* link, int error, std::string_view reason) {
  X509_STORE_CTX_set_error(store, error);
  if (link != nullptr) link->refusal = reason;
  return 0;
}

/// The pinned root, which the peer has to send at the end of its chain; null when it does not.
X509* pinnedRoot(X509_STORE_CTX* store, const std::string& pinned) {
  STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(store);
  const int count = sk_X509_num(sent);
  if (count < 1) return nullptr;
  X509* const last = sk_X509_value(sent, count - 1);
  X509_up_ref(last);
  return Certificate::own(last).fingerprint() == pinned ? last : nullptr;
}

/// OpenSSL's word on one certificate of the chain.
int forgiveYouth(int good, X509_STORE_CTX* store) {
  if (good == 1 || X509_STORE_CTX_get_error(store) != X509_V_ERR_CERT_NOT_YET_VALID) return good;
  std::time_t latest = std::time(nullptr) + kYoungest;
  if (X509_cmp_time(X509_get0_notBefore(X509_STORE_CTX_get_current_cert(store)), &latest) >= 0) return 0;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

/// Whether what the peer sent leads to a root that is believed, and ends in a leaf that may be one.
bool isGood(X509_STORE_CTX* store, const PeerRules& rules, bool isServer, Link* link) {
  X509_STORE_CTX_set_verify_cb(store, forgiveYouth);
  int good = 0;
  if (rules.pinned.empty()) {
    good = X509_verify_cert(store);
  } else {
    X509* const root = pinnedRoot(store, rules.pinned);
    if (root == nullptr) {
      refuse(store, link, X509_V_ERR_CERT_UNTRUSTED, "its chain does not end in the root that is expected");
      return false;
    }
    const ChainPtr trusted(sk_X509_new_null());
    sk_X509_push(trusted.get(), root);
    X509_STORE_CTX_set0_trusted_stack(store, trusted.get());
    good = X509_verify_cert(store);
    X509_STORE_CTX_set0_trusted_stack(store, nullptr);
  }
  if (good != 1) return false;
  const std::string_view fault = leafFault(X509_STORE_CTX_get0_cert(store), isServer);
  if (!fault.empty()) refuse(store, link, X509_V_ERR_INVALID_PURPOSE, fault);
  return fault.empty();
}

int verify(X509_STORE_CTX* store, void* argument) {
  auto& judge = *static_cast<PeerJudge*>(argument);
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const link = static_cast<Link*>(SSL_get_app_data(ssl));
  STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(store);
  X509* leaf = judge.known.recall(sent, std::time(nullptr));  // the clock that OpenSSL goes by
  if (leaf != nullptr) {
    X509_STORE_CTX_set_cert(store, leaf);
    X509_STORE_CTX_set_error(store, X509_V_OK);
  } else {
    if (!isGood(store, judge.rules, SSL_is_server(ssl) == 0, link)) return 0;
    judge.known.remember(sent, X509_STORE_CTX_get0_chain(store));
    leaf = X509_STORE_CTX_get0_cert(store);
    // A connection keeps its peer's leaf, and nothing of what stands above it.
    X509_STORE_CTX_set0_verified_chain(store, nullptr);
    while (sk_X509_num(sent) > 1) X509_free(sk_X509_pop(sent));
  }
  if (!judge.rules.whyRevoked) return 1;
  X509_up_ref(leaf);
  const auto revoked = judge.rules.whyRevoked(Certificate::own(leaf));
  return revoked ? refuse(store, link, X509_V_ERR_CERT_REVOKED, *revoked) : 1;
}

}  // namespace

void verifyPeers(SSL_CTX* context, PeerJudge& judge) { SSL_CTX_set_cert_verify_callback(context, verify, &judge); }

}  // namespace loam::tls
