#include "rollout/identity/sealed_key.h"

#include <openssl/rand.h>

#include <array>
#include <bit>
#include <vector>

#include "proxy/base/json.h"
#include "proxy/tls/openssl.h"

namespace loam::identity {

namespace {

constexpr const char* kFormat = "loam-sealed-key";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::uint64_t kMostMemory = 1ULL << 30;  // of scrypt, whatever a file asks for

using Bytes = std::vector<std::uint8_t>;
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, tls::Freed<EVP_CIPHER_CTX_free>>;

/// The derived key, wiped when it goes.
struct DerivedKey {
  std::array<std::uint8_t, 32> bytes{};
  DerivedKey() = default;
  DerivedKey(const DerivedKey&) = delete;
  DerivedKey& operator=(const DerivedKey&) = delete;
  ~DerivedKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

Status derive(const SealingSecret& secret, const Bytes& salt, SealingCost cost, DerivedKey& key) {
  ERR_clear_error();
  const auto from = secret.bytes();
  const int done = EVP_PBE_scrypt(reinterpret_cast<const char*>(from.data()), from.size(), salt.data(), salt.size(),
                                  cost.n, cost.r, cost.p, kMostMemory, key.bytes.data(), key.bytes.size());
  if (done != 1) return fail(tls::libraryError(ErrorCode::Exhausted, "deriving the sealing key"));
  return {};
}

/// Encrypts or decrypts `from` in one go; `tag` is written or checked. False when it does not fit.
bool pass(bool encrypting, const DerivedKey& key, const Bytes& nonce, std::string_view bound,
          std::span<const std::uint8_t> from, std::span<std::uint8_t> into, std::span<std::uint8_t> tag) {
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  const auto* header = reinterpret_cast<const std::uint8_t*>(bound.data());
  EVP_CIPHER_CTX* const c = cipher.get();
  return c != nullptr &&
         EVP_CipherInit_ex(c, EVP_aes_256_gcm(), nullptr, key.bytes.data(), nonce.data(), encrypting ? 1 : 0) == 1 &&
         (encrypting || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), tag.data()) == 1) &&
         EVP_CipherUpdate(c, nullptr, &size, header, static_cast<int>(bound.size())) == 1 &&
         EVP_CipherUpdate(c, into.data(), &size, from.data(), static_cast<int>(from.size())) == 1 &&
         EVP_CipherFinal_ex(c, into.data() + size, &size) == 1 &&
         (!encrypting || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1);
}

/// What is authenticated beside the key itself: all of the file but the two fields that come of it.
std::string boundPart(Json::Value file) {
  file.removeMember("sealed");
  file.removeMember("tag");
  return writeJson(file);
}

Result<Bytes> readHex(const Json::Value& object, const char* key, std::size_t exactly = 0) {
  const auto text = readString(object, key);
  if (!text) return fail(text.error());
  Bytes bytes(text->size() / 2 + 1);
  std::size_t size = 0;
  if (OPENSSL_hexstr2buf_ex(bytes.data(), bytes.size(), &size, text->c_str(), '\0') != 1 ||
      (exactly != 0 && size != exactly)) {
    ERR_clear_error();
    return fail(ErrorCode::InvalidArgument, std::string(key) + ": expected hexadecimal digits");
  }
  bytes.resize(size);
  return bytes;
}

Result<SealingCost> readCost(const Json::Value& file) {
  const auto n = readUint(file["scrypt"], "n");
  const auto r = readUint(file["scrypt"], "r");
  const auto p = readUint(file["scrypt"], "p");
  const bool good = n && r && p && std::has_single_bit(*n) && *n >= 2 && *n <= (1ULL << 20) && *r >= 1 && *r <= 32 &&
                    *p >= 1 && *p <= 16;
  if (!good) return fail(ErrorCode::InvalidArgument, "scrypt: expected n, r and p within bounds");
  return SealingCost{*n, *r, *p};
}

Status checkHead(const Json::Value& file, std::string_view name) {
  const auto format = readString(file, "format");
  if (!format || *format != kFormat) return fail(ErrorCode::InvalidArgument, "this is no sealed key");
  const auto version = readUint(file, "version");
  if (!version || *version != kVersion) {
    return fail(ErrorCode::Unsupported, "the sealed key has a format that this program does not know");
  }
  const auto found = readString(file, "name");
  if (!found || *found != name) return fail(ErrorCode::InvalidArgument, "this is the sealed key of something else");
  return {};
}

}  // namespace

Result<std::string> seal(std::string_view text, std::string_view name, const SealingSecret& secret, SealingCost cost) {
  Bytes salt(kSaltBytes);
  Bytes nonce(kNonceBytes);
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1 ||
      RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) != 1) {
    return fail(tls::libraryError(ErrorCode::Io, "drawing a salt"));
  }
  DerivedKey key;
  LOAM_TRY(derive(secret, salt, cost, key));
  Json::Value file(Json::objectValue);
  file["format"] = kFormat;
  file["version"] = Json::UInt64(kVersion);
  file["name"] = std::string(name);
  file["scrypt"]["n"] = Json::UInt64(cost.n);
  file["scrypt"]["r"] = Json::UInt64(cost.r);
  file["scrypt"]["p"] = Json::UInt64(cost.p);
  file["salt"] = tls::hexOf(salt);
  file["nonce"] = tls::hexOf(nonce);
  Bytes sealed(text.size());
  Bytes tag(kTagBytes);
  const std::span from(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (!pass(true, key, nonce, boundPart(file), from, sealed, tag)) {
    return fail(tls::libraryError(ErrorCode::Io, "sealing a key"));
  }
  file["sealed"] = tls::hexOf(sealed);
  file["tag"] = tls::hexOf(tag);
  return writeJson(file) + "\n";
}

Result<std::string> unseal(std::string_view sealed, std::string_view name, const SealingSecret& secret) {
  const auto file = parseJson(sealed, 4);
  if (!file || !file->isObject()) return fail(ErrorCode::InvalidArgument, "this is no sealed key");
  LOAM_TRY(checkHead(*file, name));
  const auto cost = readCost(*file);
  if (!cost) return fail(cost.error());
  const auto salt = readHex(*file, "salt");
  if (!salt) return fail(salt.error());
  const auto nonce = readHex(*file, "nonce", kNonceBytes);
  if (!nonce) return fail(nonce.error());
  const auto hidden = readHex(*file, "sealed");
  if (!hidden) return fail(hidden.error());
  auto tag = readHex(*file, "tag", kTagBytes);
  if (!tag) return fail(tag.error());
  DerivedKey key;
  LOAM_TRY(derive(secret, *salt, *cost, key));
  std::string text(hidden->size(), '\0');
  const std::span into(reinterpret_cast<std::uint8_t*>(text.data()), text.size());
  if (!pass(false, key, *nonce, boundPart(*file), *hidden, into, *tag)) {
    OPENSSL_cleanse(text.data(), text.size());
    ERR_clear_error();
    return fail(ErrorCode::Denied, "the key cannot be unsealed: another passphrase sealed it, or the file was changed");
  }
  return text;
}

}  // namespace loam::identity
