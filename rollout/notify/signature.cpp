#include "rollout/notify/signature.h"

#include <openssl/evp.h>

#include <array>

#include "proxy/base/assert.h"
#include "proxy/tls/openssl.h"

namespace loam::notify {

std::string hmacSha256Hex(std::string_view secret, std::string_view text) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> code{};
  std::size_t size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  LOAM_ASSERT(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(), bytes, text.size(),
                        code.data(), code.size(), &size) != nullptr);
  return tls::hexOf({code.data(), size});
}

std::string signatureOf(std::string_view secret, std::int64_t unixSeconds, std::string_view body) {
  const std::string time = std::to_string(unixSeconds);
  return "t=" + time + ",v1=" + hmacSha256Hex(secret, time + "." + std::string(body));
}

}  // namespace loam::notify
