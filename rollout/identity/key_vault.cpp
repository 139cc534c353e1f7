#include "rollout/identity/key_vault.h"

#include <openssl/crypto.h>
#include <system_error>

#include "rollout/identity/private_file.h"

namespace loam::identity {

namespace {

Error at(const std::filesystem::path& path, Error error) {
  error.context.insert(0, path.string() + ": ");
  return error;
}

}  // namespace

Status KeyVault::store(const std::string& name, const tls::KeyPair& key) const {
  std::string pem = key.toPem();
  const auto sealed = seal(pem, name, secret_, cost_);
  OPENSSL_cleanse(pem.data(), pem.size());
  if (!sealed) return fail(at(pathOf(name), sealed.error()));
  return writePrivateFile(pathOf(name), *sealed);
}

Result<tls::KeyPair> KeyVault::load(const std::string& name) const {
  const auto sealed = readPrivateFile(pathOf(name));
  if (!sealed) return fail(sealed.error());
  auto pem = unseal(*sealed, name, secret_);
  if (!pem) return fail(at(pathOf(name), std::move(pem).error()));
  auto key = tls::KeyPair::fromPem(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  return key;
}

Status KeyVault::remove(const std::string& name) const {
  std::error_code error;
  std::filesystem::remove(pathOf(name), error);
  if (error) return fail(systemError(error.value(), "removing " + pathOf(name).string()));
  return {};
}

}  // namespace loam::identity
