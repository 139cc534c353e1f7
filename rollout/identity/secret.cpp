#include "rollout/identity/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <span>

#include "proxy/tls/openssl.h"

namespace loam::identity {

namespace {

constexpr std::size_t kSecretBytes = 32;

/// RFC 4648 section 5, without padding.
std::string base64Url(std::span<const std::uint8_t> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

}  // namespace

Result<std::string> drawSecret(std::string_view prefix) {
  std::array<std::uint8_t, kSecretBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return fail(tls::libraryError(ErrorCode::Io, "drawing a secret"));
  }
  std::string secret = std::string(prefix) + base64Url(random);
  OPENSSL_cleanse(random.data(), random.size());
  return secret;
}

bool sameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace loam::identity
