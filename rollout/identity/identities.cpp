#include "rollout/identity/identities.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rollout/identity/own_leaf.h"

namespace loam::identity {

namespace {

audit::Act itself(std::string verb, std::string reason) {
  audit::Act act;
  act.who = "controller";
  act.via = "itself";
  act.verb = std::move(verb);
  act.reason = std::move(reason);
  return act;
}

wire::Trust trustOf(const Rotation& rotation, const std::vector<Standing::Root>& roots, const DenyList& denied) {
  wire::Trust trust;
  trust.step = rotation.step;
  trust.issuing = rotation.issuing;
  for (const Standing::Root& root : roots) trust.roots.push_back(root.certificate.toPem());
  for (const auto& [key, denial] : denied.denials()) {
    const auto of = denial.of == Denial::Of::Name ? wire::Denied::Of::Name : wire::Denied::Of::Serial;
    trust.denied.push_back({of, denial.value, denial.until});
  }
  return trust;
}

}  // namespace

std::string_view name(JoinOutcome outcome) {
  constexpr std::array<std::string_view, kJoinOutcomes> kNames = {"good",       "unknown", "used",   "expired",
                                                                  "other_name", "limited", "denied", "bad_request"};
  return kNames[static_cast<std::size_t>(outcome)];
}

Identities::Identities(audit::Ledger& ledger, KeyVault vault, Settings settings, const Clock& clock, Log& log)
    : settings_(std::move(settings)),
      clock_(clock),
      log_(log),
      records_(ledger),
      authorities_(std::move(vault), settings_.trustDomain, clock),
      pruned_(clock.now()) {}

Result<std::unique_ptr<Identities>> Identities::open(audit::Ledger& ledger, KeyVault vault, Settings settings,
                                                     const Clock& clock, Log& log) {
  std::unique_ptr<Identities> identities(new Identities(ledger, std::move(vault), std::move(settings), clock, log));
  LOAM_TRY(identities->begin());
  return identities;
}

Status Identities::begin() {
  LOAM_TRY(records_.load());
  LOAM_TRY(authorities_.load(records_.authorities()));
  if (!records_.rotation()) {
    LOAM_TRY(makeFirst());
  } else if (authorities_.find(rotation().issuing) == nullptr) {
    return fail(ErrorCode::NotFound, "the ledger has no authority " + rotation().issuing + ", which is to issue");
  } else if (settings_.brought.given()) {
    LOAM_TRY(takeBrought());
  }
  if (const Status forgotten = forgetRetired(); !forgotten) {
    log_.warn("identity", "a retired authority's keys are still there", {{"error", forgotten.error().describe()}});
  }
  renewIntermediates();
  LOAM_TRY(renewOwn());
  prune();
  return publish();
}

Result<Hierarchy> Identities::nextHierarchy() const {
  if (settings_.brought.given()) return readBrought(settings_.brought, clock_.wall());
  return makeHierarchy(settings_.trustDomain, clock_.wall());
}

Status Identities::makeFirst() {
  auto made = nextHierarchy();
  if (!made) return fail(std::move(made).error());
  LOAM_TRY(authorities_.seal(*made));
  Rotation first;
  first.issuing = made->id();
  first.since = now();
  const std::array edits = {editOf(*made, 0), editOf(first, 0)};
  LOAM_TRY(records_.commit(edits, itself("identity.begin", settings_.brought.given() ? "adopted" : "made")));
  log_.info("identity", "a new authority", {{"root", first.issuing}, {"trust_domain", settings_.trustDomain}});
  authorities_.take(*std::move(made));
  return {};
}

/// A next intermediate below a root that is known; of any other root the next rotation begins with it.
Status Identities::takeBrought() {
  auto brought = readBrought(settings_.brought, clock_.wall());
  if (!brought && brought.error().code == ErrorCode::NotFound) {
    log_.warn("identity", "an intermediate's file is gone; the one that was adopted stays",
              {{"error", brought.error().describe()}});
    return {};
  }
  if (!brought) return fail(std::move(brought).error());
  const Authority* const known = authorities_.find(brought->id());
  if (known == nullptr) {
    log_.info("identity", "the next rotation begins with the intermediate's root", {{"root", brought->id()}});
    return {};
  }
  if (known->hierarchy().intermediate.fingerprint() == brought->intermediate.fingerprint()) return {};
  brought->rootKey = known->hierarchy().rootKey;
  return replaceIntermediate(*std::move(brought), itself("identity.intermediate", "adopted"));
}

Status Identities::replaceIntermediate(Hierarchy hierarchy, const audit::Act& act) {
  const auto document = records_.authorities().find(hierarchy.id());
  if (document == records_.authorities().end()) return fail(ErrorCode::NotFound, "no authority " + hierarchy.id());
  LOAM_TRY(authorities_.seal(hierarchy));
  const audit::Edit edit = editOf(hierarchy, document->second.revision);
  LOAM_TRY(records_.commit({&edit, 1}, act));
  log_.info("identity", "a new intermediate",
            {{"root", hierarchy.id()}, {"intermediate", hierarchy.intermediate.serial()}});
  authorities_.take(std::move(hierarchy));
  return {};
}

void Identities::renewIntermediates() {
  for (const std::string& root : {rotation().issuing, rotation().other}) {
    const Authority* const authority = authorities_.find(root);
    if (authority == nullptr || !authority->wantsIntermediate()) continue;
    auto next = renewIntermediate(authority->hierarchy(), settings_.trustDomain, clock_.wall());
    const Status done = next ? replaceIntermediate(*std::move(next), itself("identity.intermediate", "half life"))
                             : Status(fail(std::move(next).error()));
    constexpr std::chrono::hours kWarnEvery{6};
    if (done || (warned_ && clock_.now() - *warned_ < kWarnEvery)) continue;
    warned_ = clock_.now();
    log_.warn("identity", "the intermediate needs a successor", {{"root", root}, {"error", done.error().describe()}});
  }
}

/// The controller's own leaf: at half of its life, and when another root issues.
Status Identities::renewOwn() {
  if (!own_.chain.empty()) {
    const tls::Certificate& leaf = own_.chain.front();
    const std::int64_t half = leaf.notBefore() + (leaf.notAfter() - leaf.notBefore()) / 2;
    if (now() < half && own_.chain.back().fingerprint() == rotation().issuing) return {};
  }
  auto made = makeOwnLeaf(issuing(), clock_.wall());
  if (!made) return fail(std::move(made).error());
  own_ = *std::move(made);
  return {};
}

/// Keys first, the document last: what is interrupted is found again.
Status Identities::forgetRetired() {
  std::vector<std::string> retired;
  for (const auto& [root, document] : records_.authorities()) {
    if (root == rotation().issuing || root == rotation().other) continue;
    LOAM_TRY(authorities_.forget(root, document.value));
    retired.push_back(root);
  }
  for (const std::string& root : retired) {
    const audit::Edit edit = removal(kHierarchyKind, root);
    LOAM_TRY(records_.commit({&edit, 1}, itself("identity.forget", "retired: its keys are removed")));
    log_.info("identity", "the keys of a retired root are removed", {{"root", root}});
  }
  return {};
}

/// What proves or denies nothing any more.
void Identities::prune() {
  std::vector<audit::Edit> edits;
  for (const auto& [serial, kept] : records_.certificates()) {
    if (kept.value.notAfter + DenyList::kSkew < now()) edits.push_back(removal(kIssuedKind, serial));
  }
  for (const auto& [id, kept] : records_.tokens()) {
    if (std::max(kept.value.used, kept.value.expires) + kKeepTokens < now()) {
      edits.push_back(removal(kJoinTokenKind, id));
    }
  }
  for (const auto& [key, denial] : records_.denials().denials()) {
    if (denial.until + DenyList::kSkew < now()) edits.push_back(removal(kDenialKind, key));
  }
  pruned_ = clock_.now();
  if (!edits.empty()) {
    if (const Status done = records_.commit(edits, std::nullopt); !done) {
      log_.warn("identity", "old identities cannot be forgotten yet", {{"error", done.error().describe()}});
    }
  }
  const auto live = std::count_if(records_.certificates().begin(), records_.certificates().end(),
                                  [this](const auto& entry) { return entry.second.value.notAfter > now(); });
  tally_.certificates = static_cast<std::uint64_t>(live);
}

void Identities::keepHouse() {
  constexpr seconds kPruneEvery{60};
  const std::string before = own_.chain.front().fingerprint();
  const std::size_t denied = records_.denials().size();
  if (clock_.now() - pruned_ >= kPruneEvery) {
    renewIntermediates();
    prune();
    if (const Status done = forgetRetired(); !done) {
      log_.warn("identity", "a retired authority's keys are still there", {{"error", done.error().describe()}});
    }
  }
  if (const Status own = renewOwn(); !own) {
    log_.error("identity", "the controller's own certificate cannot be renewed", {{"error", own.error().describe()}});
  }
  if (own_.chain.front().fingerprint() == before && records_.denials().size() == denied) return;
  if (const Status published = publish(); !published) {
    log_.error("identity", "whom to believe cannot be told", {{"error", published.error().describe()}});
  }
}

const Authority& Identities::issuing() const { return *authorities_.find(rotation().issuing); }

Status Identities::publish() {
  auto standing = std::make_shared<Standing>();
  standing->trustDomain = settings_.trustDomain;
  standing->rotation = rotation();
  for (const std::string& root : rotation().trusted()) {
    const Authority* const authority = authorities_.find(root);
    if (authority == nullptr) return fail(ErrorCode::NotFound, "no authority " + root + " is held");
    const Hierarchy& hierarchy = authority->hierarchy();
    standing->roots.push_back({root, hierarchy.root, hierarchy.intermediate.notAfter(), hierarchy.rootKey.has_value(),
                               hierarchy.intermediate.notBefore()});
  }
  standing->denied = records_.denials();
  standing->own = own_;
  standing->trust = trustOf(standing->rotation, standing->roots, standing->denied);
  {
    const std::lock_guard lock(mutex_);
    standing_ = standing;
  }
  for (const auto& listener : listeners_) listener(standing);
  return {};
}

std::shared_ptr<const Standing> Identities::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

}  // namespace loam::identity
