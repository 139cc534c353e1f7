#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/base/log.h"
#include "proxy/base/result.h"

namespace loam::identity {

/// What private keys are sealed with at rest (D11): a passphrase, or random bytes. Wiped when it goes.
class SealingSecret {
 public:
  explicit SealingSecret(std::string_view secret) : bytes_(secret.begin(), secret.end()) {}
  SealingSecret(SealingSecret&&) noexcept = default;
  SealingSecret& operator=(SealingSecret&&) noexcept = default;
  ~SealingSecret();

  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Where a secret may come from; the first that is named counts, and what is named has to be good.
struct SecretSources {
  std::filesystem::path passphraseFile{};  ///< its first line
  /// systemd's $CREDENTIALS_DIRECTORY: holds the passphrase as kCredential; empty, or without that file: not given.
  std::filesystem::path credentials{};
  /// Made with 256 random bits when it is not there, and whoever can copy it with the sealed keys can open them: the
  /// log says so.
  std::filesystem::path keyFile{};
};

constexpr const char* kCredential = "loam-ca-passphrase";
constexpr std::size_t kShortestPassphrase = 12;

Result<SealingSecret> findSealingSecret(const SecretSources& sources, Log& log);

}  // namespace loam::identity
