#include "rollout/audit/digest.h"

#include <openssl/evp.h>

#include <array>

#include "proxy/base/assert.h"
#include "proxy/base/json.h"

namespace loam::audit {

std::string digestOf(const Json::Value& value) {
  const std::string text = writeJson(value);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  // It fails where memory ends, or in a build without SHA-256.
  LOAM_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back(kHex[digest[i] >> 4]);
    out.push_back(kHex[digest[i] & 15]);
  }
  return out;
}

}  // namespace loam::audit
