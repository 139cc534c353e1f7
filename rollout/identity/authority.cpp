#include "rollout/identity/authority.h"

#include <algorithm>
#include <utility>

#include "proxy/base/json.h"
#include "rollout/identity/certificate_draft.h"
#include "rollout/identity/signing_request.h"

namespace loam::identity {

Json::Value toJson(const Issued& issued) {
  Json::Value body(Json::objectValue);
  body["chain"] = issued.chainPem;
  body["serial"] = issued.serial;
  body["spiffe"] = issued.spiffe;
  body["not_before"] = Json::Int64(issued.notBefore);
  body["not_after"] = Json::Int64(issued.notAfter);
  return body;
}

Result<Issued> issuedFromJson(const Json::Value& body) {
  auto chain = readString(body, "chain");
  if (!chain) return fail(std::move(chain).error());
  auto serial = readString(body, "serial");
  if (!serial) return fail(std::move(serial).error());
  auto spiffe = readString(body, "spiffe");
  if (!spiffe) return fail(std::move(spiffe).error());
  const auto notBefore = readInt(body, "not_before");
  if (!notBefore) return fail(notBefore.error());
  const auto notAfter = readInt(body, "not_after");
  if (!notAfter) return fail(notAfter.error());
  return Issued{*std::move(chain), *std::move(serial), *std::move(spiffe), *notBefore, *notAfter};
}

Authority::Authority(Hierarchy hierarchy, std::string trustDomain, const Clock& clock, std::chrono::hours leafLife)
    : hierarchy_(std::move(hierarchy)), trustDomain_(std::move(trustDomain)), clock_(clock), leafLife_(leafLife) {}

bool Authority::wantsIntermediate() const {
  const std::int64_t from = hierarchy_.intermediate.notBefore();
  return unixSeconds(clock_.wall()) >= from + (hierarchy_.intermediate.notAfter() - from) / 2;
}

Result<Issued> Authority::issue(std::string_view csr, const std::string& spiffe) const {
  const auto id = parseSpiffeId(spiffe);
  if (!id || id->trustDomain != trustDomain_) {
    return fail(ErrorCode::InvalidArgument,
                "the name \"" + spiffe + "\": expected spiffe://" + trustDomain_ + "/KIND/NAME");
  }
  const auto key = ProvenKey::fromRequest(csr);
  if (!key) return fail(key.error());
  const tls::Certificate& above = hierarchy_.intermediate;
  const std::int64_t now = unixSeconds(clock_.wall());
  if (above.notAfter() <= now) {
    return fail(ErrorCode::Exhausted, "the intermediate " + above.serial() + " has expired: nothing can be issued");
  }
  CertificateDraft draft;
  draft.commonName = id->name;
  draft.name = spiffe;
  draft.notBefore = std::max(now - kBackdated.count(), above.notBefore());
  draft.notAfter = std::min(now + std::chrono::duration_cast<seconds>(leafLife_).count(), above.notAfter());
  draft.key = key->get();
  const auto leaf = sign(draft, &above, hierarchy_.intermediateKey);
  if (!leaf) return fail(leaf.error());
  return Issued{leaf->toPem() + above.toPem(), leaf->serial(), spiffe, leaf->notBefore(), leaf->notAfter()};
}

}  // namespace loam::identity
