#include "proxy/tls/context.h"

#include <utility>

#include "proxy/tls/key_pair.h"
#include "proxy/tls/openssl.h"
#include "proxy/tls/socket_bio.h"
#include "proxy/tls/verification.h"

namespace loam::tls {

namespace {

constexpr int kSecurityLevel = 2;              // 112 bits: no SHA-1, no RSA below 2048
constexpr long kMostCertificates = 32 * 1024;  // bytes of a peer's chain
constexpr const char* kSuites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
constexpr const char* kGroups = "X25519:P-256";

bool allowOnlyTheNewest(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_max_cert_list(context, kMostCertificates);
  SSL_CTX_set_read_ahead(context, 1);  // a record in one recv, not two
  // The chain is what the settings say: none is looked for among the roots.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_max_early_data(context, 0) == 1 && SSL_CTX_set_recv_max_early_data(context, 0) == 1 &&
         SSL_CTX_set_ciphersuites(context, kSuites) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

/// What of TLS 1.2 is as good: an ephemeral key and an AEAD. There the groups bind certificates too.
bool allowTls12(SSL_CTX* context) {
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

/// What either side says of a failed handshake is worth more than what OpenSSL makes of it.
void noteAlert(const SSL* ssl, int where, int value) {
  auto* const link = static_cast<Link*>(SSL_get_app_data(ssl));
  if ((where & SSL_CB_ALERT) == 0 || link == nullptr || value >> 8 != SSL3_AL_FATAL) return;
  link->alert = static_cast<std::uint8_t>(value & 0xff);
  link->alertHeard = (where & SSL_CB_READ) != 0;
}

int verifyMode(ClientCertificate client) {
  switch (client) {
    case ClientCertificate::Required:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case ClientCertificate::Wanted:
      return SSL_VERIFY_PEER;
    case ClientCertificate::Unwanted:
      break;
  }
  return SSL_VERIFY_NONE;
}

}  // namespace

Context::~Context() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const Context>> Context::server(Settings settings) {
  if (settings.own.chain.empty()) return fail(ErrorCode::InvalidArgument, "TLS: a server needs a certificate");
  if (settings.client != ClientCertificate::Unwanted && settings.roots.empty()) {
    return fail(ErrorCode::InvalidArgument, "TLS: a server that asks for certificates needs roots to judge them by");
  }
  const std::shared_ptr<Context> context(new Context(std::move(settings), {}));
  LOAM_TRY(context->prepare(true));
  SSL_CTX_set_verify(context->context_, verifyMode(context->settings_.client), nullptr);
  return context;
}

Result<std::shared_ptr<const Context>> Context::client(Settings settings, std::string pinned) {
  if (settings.roots.empty() == pinned.empty()) {
    return fail(ErrorCode::InvalidArgument, "TLS: a client needs either roots or the SHA-256 of one");
  }
  const std::shared_ptr<Context> context(new Context(std::move(settings), std::move(pinned)));
  LOAM_TRY(context->prepare(false));
  SSL_CTX_set_verify(context->context_, SSL_VERIFY_PEER, nullptr);
  return context;
}

Status Context::prepare(bool isServer) {
  ERR_clear_error();
  OSSL_LIB_CTX* const library = settings_.library ? settings_.library->get() : nullptr;
  context_ = SSL_CTX_new_ex(library, nullptr, isServer ? TLS_server_method() : TLS_client_method());
  if (context_ == nullptr || !allowOnlyTheNewest(context_) || (settings_.tls12 && !allowTls12(context_))) {
    return fail(libraryError(ErrorCode::Unsupported, "TLS: this OpenSSL cannot do what Loam needs"));
  }
  SSL_CTX_set_info_callback(context_, noteAlert);
  verifyPeers(context_, judge_);
  if (library != nullptr) LOAM_TRY(moveInto(*settings_.library));
  LOAM_TRY(useRoots());
  return useOwn();
}

/// Certificates of another library would be asked for their keys through that one, at each handshake.
Status Context::moveInto(const Library& library) {
  for (std::vector<Certificate>* some : {&settings_.own.chain, &settings_.roots}) {
    for (Certificate& certificate : *some) {
      auto moved = certificate.in(library);
      if (!moved) return fail(std::move(moved).error());
      certificate = *std::move(moved);
    }
  }
  return {};
}

Status Context::useRoots() {
  X509_STORE* const store = SSL_CTX_get_cert_store(context_);
  for (const Certificate& root : settings_.roots) {
    if (X509_STORE_add_cert(store, root.get()) != 1) {
      return fail(libraryError(ErrorCode::InvalidArgument, "TLS: the root " + root.subject()));
    }
  }
  return {};
}

Status Context::useOwn() {
  const std::vector<Certificate>& chain = settings_.own.chain;
  if (chain.empty()) return {};
  const auto key = KeyPair::fromPem(settings_.own.keyPem, settings_.library.get());
  if (!key) return fail(key.error());
  const std::string name = "TLS: the certificate " + chain.front().subject();
  if (SSL_CTX_use_certificate(context_, chain.front().get()) != 1) {
    return fail(libraryError(ErrorCode::InvalidArgument, name));
  }
  if (SSL_CTX_use_PrivateKey(context_, key->get()) != 1 || SSL_CTX_check_private_key(context_) != 1) {
    return fail(libraryError(ErrorCode::InvalidArgument, name + " and its key"));
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context_, chain[i].get()) != 1) {
      return fail(libraryError(ErrorCode::InvalidArgument, "TLS: the certificate " + chain[i].subject()));
    }
  }
  return {};
}

}  // namespace loam::tls
