#include "proxy/tls/openssl.h"

namespace loam::tls {

std::string takeReason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "error " + std::to_string(code) : std::string(reason);
}

Error libraryError(ErrorCode code, std::string_view what) {
  return Error{code, std::string(what) + ": " + takeReason(), ErrorOrigin::Local, false};
}

BioPtr readingFrom(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

BioPtr writingToMemory() { return BioPtr(BIO_new(BIO_s_mem())); }

std::string contentOf(const BioPtr& memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return size <= 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

int refusePassphrase(char*, int, int, void*) { return -1; }

const EVP_MD* digestFor(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : EVP_sha256(); }

std::string hexOf(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

}  // namespace loam::tls
