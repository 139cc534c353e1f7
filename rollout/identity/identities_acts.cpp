#include <algorithm>
#include <array>
#include <utility>

#include "rollout/identity/identities.h"
#include "rollout/identity/own_leaf.h"

namespace loam::identity {

namespace {

bool isHex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<MintedToken> Identities::mint(const std::string& name, seconds life, const audit::Act& act) {
  const std::string spiffe = spiffeId(settings_.trustDomain, kProxyKind, name);
  if (!parseSpiffeId(spiffe)) {
    return fail(ErrorCode::InvalidArgument, "\"" + name + "\" is no name of a proxy: letters, digits, '.', '_', '-'");
  }
  if (life < seconds(1) || life > kLongestTokenLife) {
    return fail(ErrorCode::InvalidArgument, "a token lives for at least a second and at most 7 days");
  }
  if (const auto why = records_.denials().whyDenied("", spiffe, now())) {
    return fail(ErrorCode::Conflict, *why + "; it has to be allowed again before it can join");
  }
  auto minted = mintJoinToken(name, clock_.wall(), life);
  if (!minted) return minted;
  const audit::Edit edit = editOf(minted->token, 0);
  LOAM_TRY(records_.commit({&edit, 1}, act));
  return minted;
}

Status Identities::dropToken(const std::string& id, const audit::Act& act) {
  if (!records_.tokens().contains(id)) return fail(ErrorCode::NotFound, "there is no token " + id);
  const audit::Edit edit = removal(kJoinTokenKind, id);
  return records_.commit({&edit, 1}, act);
}

Result<Identities::Revoked> Identities::deny(Denial::Of of, const std::string& value, const audit::Act& act) {
  Revoked revoked;
  Denial& denial = revoked.denial;
  denial.of = of;
  denial.value = value;
  denial.at = now();
  denial.reason = act.reason;
  if (of == Denial::Of::Name && !value.starts_with("spiffe://")) {
    denial.value = spiffeId(settings_.trustDomain, kProxyKind, value);
  }
  if (of == Denial::Of::Name ? !parseSpiffeId(denial.value) : !isHex(value)) {
    return fail(ErrorCode::InvalidArgument,
                "\"" + value + "\": expected the name of a proxy, a SPIFFE id, or a serial in lower-case hex");
  }
  if (denial.value == controllerId(settings_.trustDomain)) {
    return fail(ErrorCode::InvalidArgument, "agents would believe no controller any more: rotate the root instead");
  }
  for (const auto& [serial, kept] : records_.certificates()) {
    const Issued& issued = kept.value;
    const bool meant = of == Denial::Of::Name ? issued.spiffe == denial.value : serial == value;
    if (!meant || issued.notAfter <= now()) continue;
    ++revoked.certificates;
    denial.until = std::max(denial.until, issued.notAfter);
  }
  // What a ledger that was restored does not know of has expired by then as well.
  if (of == Denial::Of::Name || revoked.certificates == 0) {
    const auto life = std::chrono::duration_cast<seconds>(Authority::kLeafLife).count();
    denial.until = std::max(denial.until, now() + life);
  }
  const audit::Edit edit = editOf(denial);
  LOAM_TRY(records_.commit({&edit, 1}, act));
  LOAM_TRY(publish());
  return revoked;
}

Status Identities::allow(const std::string& key, const audit::Act& act) {
  if (!records_.denials().denials().contains(key)) return fail(ErrorCode::NotFound, "there is no denial " + key);
  const audit::Edit edit = removal(kDenialKind, key);
  LOAM_TRY(records_.commit({&edit, 1}, act));
  return publish();
}

Status Identities::rotate(RotationStep step, const std::vector<Acknowledgement>& live, const audit::Act& act) {
  const Kept<Rotation> before = *records_.rotation();
  std::optional<Hierarchy> made;
  if (step == RotationStep::Begin && before.value.state == RotationState::Steady) {
    auto next = nextHierarchy();
    if (!next) return fail(std::move(next).error());
    if (next->id() == before.value.issuing) {
      return fail(ErrorCode::Conflict,
                  "the intermediate's files lead to the present root: name those of the next one, and start again");
    }
    made = *std::move(next);
  }
  const auto after = step == RotationStep::Begin ? identity::begin(before.value, made ? made->id() : "", live, now())
                     : step == RotationStep::Advance ? advance(before.value, live, now())
                                                     : abort(before.value, now());
  if (!after) return fail(after.error());
  std::vector<audit::Edit> edits{editOf(*after, before.revision)};
  if (made) {
    LOAM_TRY(authorities_.seal(*made));
    edits.push_back(editOf(*made, 0));
  }
  LOAM_TRY(records_.commit(edits, act));
  if (made) authorities_.take(*std::move(made));
  log_.info("identity", "the change of roots goes on", {{"state", std::string(name(after->state))}});
  if (const Status forgotten = forgetRetired(); !forgotten) {
    log_.warn("identity", "a retired authority's keys are still there", {{"error", forgotten.error().describe()}});
  }
  LOAM_TRY(renewOwn());
  return publish();
}

}  // namespace loam::identity
