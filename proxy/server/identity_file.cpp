#include "proxy/server/identity_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "proxy/base/checked_file.h"
#include "proxy/base/durable_file.h"
#include "proxy/base/fields.h"
#include "proxy/base/json.h"

namespace loam::server {

namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;
constexpr std::size_t kMostPem = 64 * 1024;

std::string encode(const Identity& identity) {
  Json::Value out(Json::objectValue);
  out["key"] = identity.own.keyPem;
  out["chain"] = tls::toPem(identity.own.chain);
  out["trust"] = wire::toJson(identity.trust);
  out["token"] = identity.token;
  return writeJson(out);
}

Result<Identity> decode(std::string_view json) {
  const auto value = parseJson(json);
  if (!value) return fail(value.error());
  std::vector<FieldProblem> problems;
  const Fields::Names members = {"key", "chain", "trust", "token"};
  Fields fields(*value, "", problems, members);
  for (const std::string_view member : members) fields.require(member);
  Identity identity;
  identity.own.keyPem = fields.text("key", kMostPem).value_or("");
  const std::string chain = fields.text("chain", kMostPem).value_or("");
  identity.trust = wire::takeTrust(fields, "trust").value_or(wire::Trust{});
  identity.token = fields.text("token").value_or("");
  if (!problems.empty()) return fail(ErrorCode::Protocol, text(problems));
  auto certificates = tls::certificatesFromPem(chain);
  if (!certificates) return fail(std::move(certificates).error());
  identity.own.chain = *std::move(certificates);
  return identity;
}

}  // namespace

Result<std::optional<Identity>> IdentityFile::load() const {
  const auto body = readChecked(path(), kMostBytes);
  if (!body) return fail(body.error());
  if (!*body) return std::nullopt;
  auto identity = decode(**body);
  if (!identity) return fail(ErrorCode::Protocol, path() + ": " + identity.error().context);
  return *std::move(identity);
}

Status IdentityFile::store(const Identity& identity) const {
  constexpr mode_t kOwnerOnly = 0700;
  std::error_code failed;
  std::filesystem::create_directories(directory_.parent_path(), failed);
  if (failed) return fail(ErrorCode::Io, "making " + directory_.parent_path().string() + ": " + failed.message());
  if (::mkdir(directory_.c_str(), kOwnerOnly) != 0 && errno != EEXIST) {
    return fail(systemError(errno, "making " + directory_.string()));
  }
  if (::chmod(directory_.c_str(), kOwnerOnly) != 0) {
    return fail(systemError(errno, "closing " + directory_.string() + " to others"));
  }
  LOAM_TRY(syncDirectoryOf(directory_));
  return replaceChecked(path(), encode(identity));
}

}  // namespace loam::server
