#include "rollout/controller/authority_settings.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "rollout/identity/spiffe_id.h"

namespace loam::controller {

namespace {

/// A directory of our own that nobody else looks into.
Status prepareDirectory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return fail(systemError(error.value(), "making the directory " + path.parent_path().string()));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail(systemError(errno, "making " + path.string()));
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return fail(systemError(errno, "looking at " + path.string()));
  if (!S_ISDIR(found.st_mode)) return fail(ErrorCode::InvalidArgument, path.string() + " is no directory");
  if ((found.st_mode & 0077) == 0) return {};
  return fail(ErrorCode::Denied, path.string() + " holds the authority's keys and others may look into it: chmod 0700");
}

}  // namespace

void readAuthority(YamlMapping& from, AuthoritySettings& settings) {
  auto given = from.mapping("authority", {"directory", "passphrase_file", "intermediate", "root", "key"});
  if (!given) return;
  if (const auto directory = given->text("directory")) settings.directory = *directory;
  settings.passphraseFile = given->text("passphrase_file").value_or("");
  settings.intermediate = given->text("intermediate").value_or("");
  settings.root = given->text("root").value_or("");
  settings.key = given->text("key").value_or("");
  const bool any = given->has("intermediate") || given->has("root") || given->has("key");
  for (const char* name : {"intermediate", "root", "key"}) {
    if (any) given->require(name);
  }
}

Result<std::unique_ptr<identity::Identities>> openIdentities(const AuthoritySettings& settings,
                                                             const std::string& trustDomain, audit::Ledger& ledger,
                                                             const Clock& clock, Log& log) {
  if (!identity::isTrustDomain(trustDomain)) {
    return fail(ErrorCode::InvalidArgument, "trust_domain: expected lower-case letters, digits, dots and dashes");
  }
  LOAM_TRY(prepareDirectory(settings.directory));
  identity::SecretSources sources;
  sources.passphraseFile = settings.passphraseFile;
  if (const char* const credentials = std::getenv("CREDENTIALS_DIRECTORY")) sources.credentials = credentials;
  sources.keyFile = std::filesystem::path(settings.directory) / "sealing.key";
  auto secret = identity::findSealingSecret(sources, log);
  if (!secret) return fail(std::move(secret).error());
  identity::Identities::Settings identities;
  identities.trustDomain = trustDomain;
  identities.brought = {settings.intermediate, settings.root, settings.key};
  return identity::Identities::open(ledger, identity::KeyVault(settings.directory, *std::move(secret)),
                                    std::move(identities), clock, log);
}

}  // namespace loam::controller
