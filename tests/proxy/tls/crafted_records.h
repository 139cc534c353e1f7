#pragma once

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <string>

#include "tests/proxy/tls/raw_peer.h"

/// Records that no client of OpenSSL's would send.
namespace loam::tls::test {

/// A ClientHello as `peer` would send it now.
inline std::string helloOf(RawPeer& peer) {
  SSL_do_handshake(peer.ssl());
  std::string hello(4096, '\0');
  const int size = BIO_read(SSL_get_wbio(peer.ssl()), hello.data(), static_cast<int>(hello.size()));
  hello.resize(static_cast<std::size_t>(std::max(size, 0)));
  return hello;
}

/// The same with other methods of compression.
inline std::string withCompression(std::string hello, const std::string& methods) {
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<std::uint8_t>(hello[at])); };
  std::size_t at = 43;                       // record, message, version, random
  at += 1 + byte(at);                        // session id
  at += 2 + (byte(at) << 8) + byte(at + 1);  // suites
  const std::size_t more = methods.size() - byte(at);
  hello.replace(at + 1, byte(at), methods);
  hello[at] = static_cast<char>(methods.size());
  for (const std::size_t low : {std::size_t{4}, std::size_t{8}}) {  // lengths of record and message
    const std::size_t length = (byte(low - 1) << 8) + byte(low) + more;
    hello[low - 1] = static_cast<char>(length >> 8);
    hello[low] = static_cast<char>(length & 0xff);
  }
  return hello;
}

/// What "tls13 LABEL" makes of a traffic secret (RFC 8446, 7.1 and 7.3).
inline std::string expand(const std::string& secret, std::string label, std::size_t size) {
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "TLS13-KDF", nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  std::string key = secret;
  std::string prefix = "tls13 ";
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string digest = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_int("mode", &mode),
                                   OSSL_PARAM_construct_utf8_string("digest", digest.data(), digest.size()),
                                   OSSL_PARAM_construct_octet_string("key", key.data(), key.size()),
                                   OSSL_PARAM_construct_octet_string("prefix", prefix.data(), prefix.size()),
                                   OSSL_PARAM_construct_octet_string("label", label.data(), label.size()),
                                   OSSL_PARAM_construct_end()};
  std::string out(size, '\0');
  EXPECT_EQ(EVP_KDF_derive(context, reinterpret_cast<unsigned char*>(out.data()), size, parameters), 1);
  EVP_KDF_CTX_free(context);
  return out;
}

/// A handshake message as the first record under a client's traffic secret, of TLS_AES_128_GCM_SHA256.
inline std::string sealFirst(const std::string& secret, const std::string& message) {
  const std::string key = expand(secret, "key", 16);
  const std::string iv = expand(secret, "iv", 12);
  const std::string inner = message + '\x16';
  const auto bytes = [](const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  const std::size_t size = inner.size() + 16;
  std::string record("\x17\x03\x03", 3);
  record.push_back(static_cast<char>(size >> 8));
  record.push_back(static_cast<char>(size & 0xff));
  std::string sealed(size, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(sealed.data());
  EVP_CIPHER_CTX* const cipher = EVP_CIPHER_CTX_new();
  int length = 0;
  EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), nullptr, bytes(key), bytes(iv));
  EVP_EncryptUpdate(cipher, nullptr, &length, bytes(record), static_cast<int>(record.size()));
  EVP_EncryptUpdate(cipher, out, &length, bytes(inner), static_cast<int>(inner.size()));
  EVP_EncryptFinal_ex(cipher, out + length, &length);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, out + inner.size());
  EVP_CIPHER_CTX_free(cipher);
  return record + sealed;
}

}  // namespace loam::tls::test
