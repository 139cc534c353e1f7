#include "rollout/identity/authorities.h"

#include <utility>

#include "proxy/base/json.h"
#include "rollout/identity/private_file.h"

namespace loam::identity {

namespace {

constexpr mode_t kPublic = 0;  // certificates are no secret

Result<std::string> readNamed(const char* what, const std::filesystem::path& path, mode_t forbidden) {
  if (path.empty()) {
    return fail(ErrorCode::InvalidArgument, std::string("an intermediate of another authority needs its ") + what);
  }
  return readPrivateFile(path, forbidden);
}

}  // namespace

Result<Hierarchy> readBrought(const BroughtFiles& files, Wall now) {
  const auto intermediate = readNamed("certificate", files.intermediate, kPublic);
  if (!intermediate) return fail(intermediate.error());
  const auto root = readNamed("root", files.root, kPublic);
  if (!root) return fail(root.error());
  const auto key = readNamed("key", files.key, kNotTheWorld);
  if (!key) return fail(key.error());
  auto adopted = adoptHierarchy(*intermediate, *root, *key, now);
  if (!adopted) adopted.error().context.insert(0, files.intermediate.string() + ": ");
  return adopted;
}

Status Authorities::load(const KeptByKey<Json::Value>& documents) {
  held_.clear();
  for (const auto& [root, document] : documents) {
    auto hierarchy = hierarchyFromJson(document.value, vault_);
    if (!hierarchy) return fail(std::move(hierarchy).error());
    held_.emplace(root, Authority(*std::move(hierarchy), trustDomain_, clock_));
  }
  return {};
}

const Authority* Authorities::find(const std::string& root) const {
  const auto found = held_.find(root);
  return found == held_.end() ? nullptr : &found->second;
}

void Authorities::take(Hierarchy hierarchy) {
  const std::string root = hierarchy.id();
  if (const Authority* const before = find(root); before != nullptr) {
    const std::string replaced = before->hierarchy().intermediate.fingerprint();
    if (replaced != hierarchy.intermediate.fingerprint()) (void)vault_.remove(replaced);  // sealed, and used no more
  }
  held_.erase(root);
  held_.emplace(root, Authority(std::move(hierarchy), trustDomain_, clock_));
}

Status Authorities::forget(const std::string& root, const Json::Value& document) {
  held_.erase(root);
  LOAM_TRY(vault_.remove(root));
  const auto pem = readString(document, "intermediate");
  if (!pem) return fail(pem.error());
  const auto intermediate = tls::Certificate::fromPem(*pem);
  if (!intermediate) return fail(intermediate.error());
  return vault_.remove(intermediate->fingerprint());
}

}  // namespace loam::identity
