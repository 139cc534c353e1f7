#include "rollout/flags/flag_store.h"

#include <algorithm>
#include <set>

#include "rollout/features/feature.h"

namespace loam::flags {

namespace {

std::int64_t unixMilliseconds(Wall time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

FlagStore::FlagStore(audit::Ledger& ledger, audit::Journal& journal, const Clock& clock, Log& log)
    : ledger_(ledger), journal_(journal), clock_(clock), log_(log) {}

Status FlagStore::load() {
  auto journalled = journal_.read();
  if (!journalled) return fail(std::move(journalled).error());
  if (journalled->damaged != 0) {
    log_.error("flags", "the emergency journal has damaged lines", {{"lines", std::to_string(journalled->damaged)}});
  }
  pending_ = std::move(journalled->entries);
  settleJournal();
  return reread();
}

Status FlagStore::reread() {
  const auto documents = ledger_.documents();
  if (!documents) return fail(documents.error());
  auto desired = std::make_shared<Desired>();
  for (const audit::Document& document : *documents) {
    LOAM_TRY(desired->put(document));
    desired->revision = std::max(desired->revision, document.revision);
  }
  {
    const std::lock_guard lock(mutex_);
    desired->revision = std::max(desired->revision, desired_->revision);
    desired_ = std::move(desired);
  }
  inDoubt_ = false;
  for (const auto& listener : listeners_) listener(this->desired());
  // Each took a revision of its own when it came into force, and takes one again when it is written.
  for (const audit::JournalEntry& entry : pending_) publish(entry.edits, desired_->revision + 1);
  return {};
}

std::shared_ptr<const Desired> FlagStore::desired() const {
  const std::lock_guard lock(mutex_);
  return desired_;
}

Result<audit::Commit> FlagStore::commit(std::span<const audit::Edit> edits, const std::optional<audit::Act>& act) {
  settleJournal();
  if (!pending_.empty()) return fail(ErrorCode::Exhausted, "the ledger cannot be written; only kill is taken");
  if (inDoubt_) LOAM_TRY(reread());
  const std::vector<audit::Edit> all = withDescents(edits);
  auto done = ledger_.commit(all, act);
  if (!done) inDoubt_ = true;
  if (!done || !done->stale.empty()) return done;
  publish(all, done->revision);
  return done;
}

/// The same with what they say of ways down: whoever lowers a flag, for whatever reason, begins one.
std::vector<audit::Edit> FlagStore::withDescents(std::span<const audit::Edit> edits) const {
  std::vector<audit::Edit> all(edits.begin(), edits.end());
  const auto now = desired();
  for (const audit::Edit& edit : edits) {
    if (edit.kind != kFlagKind || !edit.body) continue;
    const auto after = fromDocument({edit.kind, edit.key, 0, *edit.body});
    const features::Feature* feature = after ? features::find(after->cell.feature) : nullptr;
    if (feature == nullptr || !feature->stepwise) continue;
    const auto rung = [feature](const Flag& flag) { return feature->rung(flag.stage).value_or(0); };
    const auto begun = now->descents.find(after->cell);
    Descent descent{now->flag(after->cell), unixMilliseconds(clock_.wall())};
    const bool falls = rung(*after) < rung(descent.from);
    // Some may still be where the way before began.
    const bool isBegun = begun != now->descents.end();
    if (isBegun && rung(begun->second.from) > rung(descent.from)) descent.from = begun->second.from;
    if (falls && !stepsDown(descent.from, *after).empty()) {
      all.push_back({std::string(kDescentKind), edit.key, std::nullopt, toJson(descent)});
    } else if (isBegun && rung(*after) >= rung(begun->second.from)) {
      all.push_back({std::string(kDescentKind), edit.key, std::nullopt, std::nullopt});
    }
  }
  return all;
}

void FlagStore::endDescents(std::span<const Descent> over) {
  std::vector<audit::Edit> edits;
  const auto now = desired();
  for (const Descent& descent : over) {
    const auto found = now->descents.find(descent.from.cell);
    if (found == now->descents.end() || found->second != descent) continue;
    edits.push_back({std::string(kDescentKind), descent.from.cell.key(), std::nullopt, std::nullopt});
  }
  if (!edits.empty()) (void)commit(edits, std::nullopt);  // asked again every second
}

/// Makes what was written visible.
void FlagStore::publish(std::span<const audit::Edit> edits, std::uint64_t revision) {
  auto next = std::make_shared<Desired>(*desired());
  next->revision = std::max(next->revision, revision);
  for (const audit::Edit& edit : edits) {
    if (!edit.body) {
      next->remove(edit.kind, edit.key);
    } else if (const Status put = next->put({edit.kind, edit.key, revision, *edit.body}); !put) {
      log_.error("flags", "a document that was just written cannot be read", {{"error", put.error().describe()}});
    }
  }
  {
    const std::lock_guard lock(mutex_);
    desired_ = next;
  }
  for (const auto& listener : listeners_) listener(next);
}

std::vector<audit::Edit> FlagStore::killEdits(const std::string& service, const std::string& feature,
                                              const audit::Act& act, std::vector<Cell>& cells) const {
  std::vector<audit::Edit> edits;
  const auto now = desired();
  std::set<Cell> meant;
  for (const auto& [cell, flag] : now->flags) {
    if ((service.empty() || service == cell.service) && (feature.empty() || feature == cell.feature))
      meant.insert(cell);
  }
  // What is on without anybody's doing has to be said to be off.
  for (const features::Feature& one : features::registry()) {
    if (one.initial == "off" || (!feature.empty() && feature != one.name)) continue;
    meant.insert({service.empty() ? std::string(kEveryService) : service, std::string(one.name)});
  }
  for (const Cell& cell : meant) {
    Flag off = now->flag(cell);
    if (off.isOff() && !off.scheduled) continue;
    off.stage = "off";
    off.share = kWhole;
    off.expires.reset();
    off.scheduled.reset();
    off.killed = true;
    off.by = act.who;
    off.reason = act.reason;
    off.at = unixMilliseconds(clock_.wall());
    edits.push_back({std::string(kFlagKind), cell.key(), std::nullopt, toJson(off)});
    cells.push_back(cell);
  }
  return edits;
}

FlagStore::Killed FlagStore::kill(const std::string& service, const std::string& feature, const audit::Act& act) {
  Killed killed;
  const std::vector<audit::Edit> edits = withDescents(killEdits(service, feature, act, killed.cells));
  killed.revision = desired()->revision;
  if (edits.empty()) return killed;
  settleJournal();
  if (pending_.empty()) {
    if (const auto done = ledger_.commit(edits, act)) {
      publish(edits, done->revision);
      killed.revision = done->revision;
      return killed;
    }
  }
  killed.journalled = true;
  pending_.push_back({edits, act, unixMilliseconds(clock_.wall())});
  if (const Status kept = journal_.append(pending_.back()); !kept) {
    log_.error("flags", "a kill is in force but on no disk: it is lost when this program ends",
               {{"error", kept.error().describe()}});
  }
  publish(edits, desired()->revision + 1);
  killed.revision = desired()->revision;
  return killed;
}

void FlagStore::settleJournal() {
  std::size_t settled = 0;
  for (const audit::JournalEntry& entry : pending_) {
    if (const auto done = ledger_.commit(entry.edits, entry.act); !done) break;
    ++settled;
  }
  if (settled == 0) return;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(settled));
  if (!pending_.empty()) return;
  log_.info("flags", "what was journalled is in the ledger");
  inDoubt_ = true;  // revisions are the ledger's from now on
  if (const Status read = reread(); !read) {
    log_.error("flags", "the ledger cannot be read", {{"error", read.error().describe()}});
  }
  if (const Status cleared = journal_.clear(); !cleared) {
    log_.error("flags", "the journal cannot be cleared", {{"error", cleared.error().describe()}});
  }
}

}  // namespace loam::flags
