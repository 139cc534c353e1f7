#include "rollout/identity/sealing_secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <system_error>

#include <array>

#include "proxy/tls/openssl.h"
#include "rollout/identity/private_file.h"

namespace loam::identity {

namespace {

Result<SealingSecret> readPassphrase(const std::filesystem::path& path) {
  const auto text = readPrivateFile(path, kNotTheWorld);
  if (!text) return fail(text.error());
  const std::string_view line = std::string_view(*text).substr(0, text->find_first_of("\r\n"));
  if (line.size() < kShortestPassphrase) {
    return fail(ErrorCode::InvalidArgument, path.string() + ": expected a passphrase of at least " +
                                                std::to_string(kShortestPassphrase) + " bytes in its first line");
  }
  return SealingSecret(line);
}

Result<SealingSecret> readOrMakeKeyFile(const std::filesystem::path& path, Log& log) {
  constexpr std::size_t kDigits = 64;
  auto text = readPrivateFile(path);
  if (!text && text.error().code == ErrorCode::NotFound) {
    std::array<std::uint8_t, kDigits / 2> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
      return fail(tls::libraryError(ErrorCode::Io, "drawing a random key"));
    }
    text = tls::hexOf(random);
    LOAM_TRY(writePrivateFile(path, *text + "\n"));
  }
  if (!text) return fail(text.error());
  const std::string_view digits = std::string_view(*text).substr(0, text->find('\n'));
  if (digits.size() != kDigits) {
    return fail(ErrorCode::InvalidArgument, path.string() + ": expected 64 hexadecimal digits");
  }
  log.warn(
      "identity",
      "the authority's keys are sealed with a key file beside them, which protects less than a passphrase file or a "
      "systemd credential: whoever copies both has the keys",
      {{"file", path.string()}});
  return SealingSecret(digits);
}

}  // namespace

SealingSecret::~SealingSecret() {
  if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

Result<SealingSecret> findSealingSecret(const SecretSources& sources, Log& log) {
  if (!sources.passphraseFile.empty()) return readPassphrase(sources.passphraseFile);
  if (!sources.credentials.empty()) {
    const std::filesystem::path credential = sources.credentials / kCredential;
    std::error_code error;
    if (std::filesystem::exists(credential, error) || error) return readPassphrase(credential);
  }
  return readOrMakeKeyFile(sources.keyFile, log);
}

}  // namespace loam::identity
