#include <algorithm>
#include <array>
#include <utility>

#include "rollout/identity/identities.h"

namespace loam::identity {

namespace {

constexpr int kMostTries = 16;  // of a commit that others come before

audit::Act actOf(const std::string& spiffe, std::string via, const IpAddress& from, std::string verb) {
  audit::Act act;
  act.who = spiffe;
  act.via = std::move(via);
  act.from = from.text();
  act.verb = std::move(verb);
  return act;
}

}  // namespace

Result<wire::Enrolment> Identities::join(const wire::Join& asked, const IpAddress& from) {
  std::string chain;
  const auto verdict = tryJoin(asked, from, chain);
  if (!verdict) return fail(verdict.error());
  ++tally_.joins[static_cast<std::size_t>(verdict->outcome)];
  if (verdict->outcome == JoinOutcome::Good) {
    ++tally_.certificates;
    log_.info("identity", "a host joined", {{"proxy", asked.proxy}, {"from", from.text()}});
    return wire::Enrolment{std::move(chain), standing()->trust};
  }
  if (verdict->outcome != JoinOutcome::Limited) {
    limit_.refused(from, clock_.now());
    noteRefusal(asked, from, *verdict);  // of one who is not listened to the tally has to do: he fills no log
  }
  return fail(ErrorCode::Denied, "this host may not join");
}

Result<Identities::Verdict> Identities::tryJoin(const wire::Join& asked, const IpAddress& from, std::string& chain) {
  if (!limit_.admits(from, clock_.now())) return Verdict{JoinOutcome::Limited};
  const std::string spiffe = spiffeId(settings_.trustDomain, kProxyKind, asked.proxy);
  const std::string id = joinTokenId(asked.token);
  for (int tried = 0; tried < kMostTries; ++tried) {
    const auto kept = records_.tokens().find(id);
    const bool known = kept != records_.tokens().end();
    const JoinVerdict verdict = check(known ? &kept->second.value : nullptr, asked.token, asked.proxy, clock_.wall());
    if (verdict != JoinVerdict::Good) return Verdict{static_cast<JoinOutcome>(verdict)};
    if (auto why = records_.denials().whyDenied("", spiffe, now())) return Verdict{JoinOutcome::Denied, *why};
    const auto issued = issuing().issue(asked.csr, spiffe);
    if (!issued && issued.error().code == ErrorCode::InvalidArgument) {
      return Verdict{JoinOutcome::BadRequest, issued.error().context};
    }
    if (!issued) return fail(issued.error());
    JoinToken used = kept->second.value;
    used.used = now();
    // One commit: there is no certificate without its token, and no second one with it.
    const std::array edits = {editOf(used, kept->second.revision), editOf(*issued)};
    const Status done = records_.commit(edits, actOf(spiffe, "token:" + id, from, "identity.join"));
    if (done) {
      chain = issued->chainPem;
      return Verdict{};
    }
    if (done.error().code != ErrorCode::Conflict) return fail(done.error());
  }
  return fail(ErrorCode::Conflict, "too many want to join at this moment");
}

/// In the log; and of a token that there is also in the audit log, where its owner sees that somebody tried.
void Identities::noteRefusal(const wire::Join& asked, const IpAddress& from, const Verdict& verdict) {
  const std::string id = joinTokenId(asked.token);
  const std::string why(name(verdict.outcome));
  log_.warn("identity", "a host may not join",
            {{"proxy", asked.proxy}, {"from", from.text()}, {"token", id}, {"why", why}, {"detail", verdict.detail}});
  const auto kept = records_.tokens().find(id);
  if (kept == records_.tokens().end() || kept->second.value.refused >= kMostRefusals) return;
  JoinToken refused = kept->second.value;
  ++refused.refused;
  const audit::Edit edit = editOf(refused, kept->second.revision);
  audit::Act act = actOf(asked.proxy.empty() ? "nobody" : asked.proxy, "token:" + id, from, "identity.join.refused");
  act.reason = why;
  const Status noted = records_.commit({&edit, 1}, act);
  if (!noted && noted.error().code != ErrorCode::Conflict) {
    log_.warn("identity", "a refused join is not in the audit log", {{"error", noted.error().describe()}});
  }
}

Result<wire::Enrolment> Identities::renew(const std::string& spiffe, std::string_view serial, std::string_view csr,
                                          const IpAddress& from) {
  if (const auto why = records_.denials().whyDenied(serial, spiffe, now())) return fail(ErrorCode::Denied, *why);
  const auto held = std::count_if(
      records_.certificates().begin(), records_.certificates().end(),
      [&](const auto& entry) { return entry.second.value.spiffe == spiffe && entry.second.value.notAfter > now(); });
  if (static_cast<std::size_t>(held) >= kMostCertificates) {
    return fail(ErrorCode::Conflict, spiffe + " has " + std::to_string(held) + " certificates already");
  }
  const auto issued = issuing().issue(csr, spiffe);
  if (!issued) return fail(issued.error());
  const audit::Edit edit = editOf(*issued);
  LOAM_TRY(records_.commit({&edit, 1}, actOf(spiffe, "certificate", from, "identity.renew")));
  ++tally_.renewals;
  ++tally_.certificates;
  return wire::Enrolment{issued->chainPem, standing()->trust};
}

}  // namespace loam::identity
