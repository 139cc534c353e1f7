#pragma once

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "tests/support/transcript.h"

namespace loam::decode::test {

/// A TLS client and server of OpenSSL in memory; their handshake becomes a transcript.
struct TlsPeers {
  int version = TLS1_3_VERSION;
  std::string serverName = {};
  std::string alpn = {};            ///< what the client offers, in wire form; the server takes the first
  bool retry = false;          ///< the server wants a group that the client has to be asked for
  int extraNames = 0;          ///< of the certificate, to make it long
  std::size_t record = 16384;  ///< longest record of the server

  /// Two handshakes with one session: the second resumes the first where `resumed` is asked for.
  Transcript handshake(bool resumed = false) const;
};

namespace detail {

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;
using Session = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION, SSL_SESSION_free>>;
using Ssl = std::unique_ptr<SSL, Freed<SSL, SSL_free>>;

inline Certificate makeCertificate(EVP_PKEY* key, int extraNames) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("db.example"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  std::string names = "DNS:db.example,DNS:*.db.example,IP:10.0.0.1";
  for (int i = 0; i < extraNames; ++i) names += ",DNS:name-number-" + std::to_string(i) + ".example";
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  X509_add_ext(certificate.get(), extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

inline int takeFirst(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned, void*) {
  *size = in[0];
  *out = in + 1;
  return SSL_TLSEXT_ERR_OK;
}

/// Moves what one side wrote to the other; true when there was something.
inline bool pass(SSL* from, SSL* to, Direction direction, Transcript& transcript) {
  char piece[70000];
  const int size = BIO_read(SSL_get_wbio(from), piece, sizeof piece);
  if (size <= 0) return false;
  BIO_write(SSL_get_rbio(to), piece, size);
  transcript.push_back({direction, std::string(piece, static_cast<std::size_t>(size))});
  return true;
}

}  // namespace detail

inline Transcript TlsPeers::handshake(bool resumed) const {
  using namespace detail;
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = makeCertificate(key.get(), extraNames);
  const Context clientContext(SSL_CTX_new(TLS_client_method()));
  const Context serverContext(SSL_CTX_new(TLS_server_method()));
  for (SSL_CTX* context : {clientContext.get(), serverContext.get()}) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
  }
  SSL_CTX_use_certificate(serverContext.get(), certificate.get());
  SSL_CTX_use_PrivateKey(serverContext.get(), key.get());
  SSL_CTX_set_alpn_select_cb(serverContext.get(), takeFirst, nullptr);
  SSL_CTX_set_max_send_fragment(serverContext.get(), record);
  SSL_CTX_set1_groups_list(clientContext.get(), "X25519:P-384:P-256");
  if (retry) SSL_CTX_set1_groups_list(serverContext.get(), "P-384");

  Session session;
  Transcript transcript;
  for (int round = resumed ? 0 : 1; round < 2; ++round) {
    transcript.clear();
    const Ssl from(SSL_new(clientContext.get()));
    const Ssl to(SSL_new(serverContext.get()));
    for (SSL* ssl : {from.get(), to.get()}) SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(from.get());
    SSL_set_accept_state(to.get());
    if (!serverName.empty()) SSL_set_tlsext_host_name(from.get(), serverName.c_str());
    SSL_set_alpn_protos(from.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                        static_cast<unsigned>(alpn.size()));
    if (session) SSL_set_session(from.get(), session.get());
    bool moved = true;
    while (moved) {
      SSL_do_handshake(from.get());
      moved = pass(from.get(), to.get(), Direction::Upstream, transcript);
      SSL_do_handshake(to.get());
      moved |= pass(to.get(), from.get(), Direction::Downstream, transcript);
    }
    EXPECT_TRUE(SSL_is_init_finished(from.get()) && SSL_is_init_finished(to.get()));
    EXPECT_EQ(SSL_session_reused(from.get()), session != nullptr);
    SSL_write(from.get(), "select", 6);
    pass(from.get(), to.get(), Direction::Upstream, transcript);
    session.reset(SSL_get1_session(from.get()));
    // A session of a connection that was not closed is not resumed.
    SSL_set_shutdown(from.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(to.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  return transcript;
}

}  // namespace loam::decode::test
