#include "rollout/changes/changes.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>

#include "rollout/changes/due.h"

namespace loam::changes {

namespace {

constexpr std::array<std::string_view, 6> kWhy = {"unknown", "closed", "unseen", "stale", "invalid", "not_ready"};

std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

/// What stands against applying it; nothing when nothing does.
std::optional<Refused::Why> against(const Change& change, const Preview& preview, const std::string& hash) {
  if (change.state != Change::State::Open) return Refused::Why::Closed;
  if (change.hash() != hash) return Refused::Why::Unseen;
  if (!preview.moved.empty()) return Refused::Why::Stale;
  for (const Judgement& judgement : preview.judgements) {
    if (!judgement.problems.empty()) return Refused::Why::Invalid;
  }
  if (!preview.applies()) return Refused::Why::NotReady;
  return std::nullopt;
}

}  // namespace

std::string_view name(Refused::Why why) { return kWhy[static_cast<std::size_t>(why)]; }

Changes::Changes(flags::FlagStore& store, const Clock& clock, std::function<std::uint64_t()> random)
    : store_(store), clock_(clock), random_(std::move(random)) {}

Status Changes::load(const std::vector<audit::Document>& documents) {
  for (const audit::Document& document : documents) {
    if (document.kind != kChangeKind) continue;
    auto change = fromDocument(document);
    if (!change) return fail(std::move(change).error());
    changes_.emplace(document.key, *std::move(change));
  }
  return {};
}

std::int64_t Changes::nowMs() const {
  return std::chrono::duration_cast<milliseconds>(clock_.wall().time_since_epoch()).count();
}

std::string Changes::newId() const {
  constexpr std::size_t kDigits = 8;
  std::string id;
  do id = "ch-" + hex(random_()).substr(0, kDigits);
  while (find(id));
  return id;
}

/// Commits and remembers; stale documents other than the flags, which preview() looked at, cannot be.
Result<Change> Changes::write(Change change, std::vector<audit::Edit> edits, const audit::Act& act) {
  const auto done = store_.commit(edits, act);
  if (!done) return fail(done.error());
  if (!done->stale.empty()) return fail(ErrorCode::Conflict, done->stale.front().key + " was changed at this moment");
  change.revision = done->revision;
  const std::lock_guard lock(mutex_);
  return changes_[change.id] = std::move(change);
}

Result<Change> Changes::draft(std::vector<CellEdit> edits, const audit::Act& act) const {
  if (edits.empty()) return fail(ErrorCode::InvalidArgument, "a change without edits");
  std::sort(edits.begin(), edits.end(), [](const CellEdit& a, const CellEdit& b) { return a.cell < b.cell; });
  const auto same = [](const CellEdit& a, const CellEdit& b) { return a.cell == b.cell; };
  const auto twice = std::adjacent_find(edits.begin(), edits.end(), same);
  if (twice != edits.end()) return fail(ErrorCode::InvalidArgument, "two edits of " + twice->cell.key());
  Change change;
  const auto desired = store_.desired();
  for (const CellEdit& edit : edits) change.bases[edit.cell] = desired->flag(edit.cell).revision;
  change.edits = std::move(edits);
  change.by = act.who;
  change.at = nowMs();
  return change;
}

Result<Change> Changes::propose(std::vector<CellEdit> edits, const audit::Act& act) {
  if (open().size() >= kMostOpen) {
    return fail(ErrorCode::Exhausted, std::to_string(kMostOpen) + " changes are open: apply or discard some");
  }
  auto change = draft(std::move(edits), act);
  if (!change) return change;
  change->id = newId();
  const audit::Edit document{std::string(kChangeKind), change->id, 0, toJson(*change)};
  return write(*std::move(change), {document}, act);
}

Result<tl::expected<Change, Refused>> Changes::apply(const std::string& id, const std::string& hash,
                                                     const audit::Act& given, const Basis& basis) {
  auto change = find(id);
  if (!change) return tl::unexpected(Refused{});
  Preview seen = preview(*change, basis);
  if (const auto why = against(*change, seen, hash)) return tl::unexpected(Refused{*why, *change, std::move(seen)});
  const audit::Act act = withRisk(given, seen);
  const std::vector<audit::Edit> edits = commitOf(*change, seen, act, nowMs());
  change->state = Change::State::Applied;
  auto written = write(*std::move(change), edits, act);
  if (!written) return fail(std::move(written).error());
  return *std::move(written);
}

Result<tl::expected<Change, Refused>> Changes::applyAtOnce(std::vector<CellEdit> edits, std::vector<audit::Edit> also,
                                                           const audit::Act& given, const Basis& basis) {
  auto change = draft(std::move(edits), given);
  if (!change) return fail(std::move(change).error());
  Preview seen = preview(*change, basis);
  if (const auto why = against(*change, seen, change->hash()))
    return tl::unexpected(Refused{*why, *std::move(change), std::move(seen)});
  change->id = newId();
  const audit::Act act = withRisk(given, seen);
  std::vector<audit::Edit> all = commitOf(*change, seen, act, nowMs());
  all.insert(all.end(), std::make_move_iterator(also.begin()), std::make_move_iterator(also.end()));
  change->state = Change::State::Applied;
  auto written = write(*std::move(change), std::move(all), act);
  if (!written) return fail(std::move(written).error());
  return *std::move(written);
}

Result<tl::expected<Change, Refused>> Changes::discard(const std::string& id, const audit::Act& act) {
  auto change = find(id);
  if (!change) return tl::unexpected(Refused{});
  if (change->state != Change::State::Open) return tl::unexpected(Refused{Refused::Why::Closed, *change, {}});
  change->state = Change::State::Discarded;
  const audit::Edit edit{std::string(kChangeKind), id, change->revision, toJson(*change)};
  auto written = write(*std::move(change), {edit}, act);
  if (!written) return fail(std::move(written).error());
  return *std::move(written);
}

void Changes::keepAppointments(const Grounds& grounds) {
  const std::int64_t now = unixSeconds(clock_.wall());
  const auto desired = store_.desired();
  for (const auto& [cell, flag] : desired->flags) {
    const auto due = dueOf(*desired, flag, now, nowMs(), grounds);
    if (!due) continue;
    const audit::Edit edit{std::string(flags::kFlagKind), cell.key(), flag.revision, toJson(due->flag)};
    (void)store_.commit({&edit, 1}, due->act);  // it stays due, and is tried again
  }
  expireOpen();
  forgetClosed();
}

void Changes::expireOpen() {
  const std::int64_t last = nowMs() - kOpenFor.count();
  std::vector<Change> unseen = open();
  std::erase_if(unseen, [last](const Change& change) { return change.at > last; });
  if (unseen.empty()) return;
  std::vector<audit::Edit> edits;
  for (Change& change : unseen) {
    change.state = Change::State::Discarded;
    edits.push_back({std::string(kChangeKind), change.id, change.revision, toJson(change)});
  }
  const auto done = store_.commit(edits, controllersAct("change.discard", "expired unseen"));
  if (!done || !done->stale.empty()) return;  // they stay too old, and it is tried again
  const std::lock_guard lock(mutex_);
  for (Change& change : unseen) {
    change.revision = done->revision;
    changes_[change.id] = std::move(change);
  }
}

void Changes::forgetClosed() {
  std::vector<std::pair<std::uint64_t, std::string>> closed;  // by the revision that closed it
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, change] : changes_) {
      if (change.state != Change::State::Open) closed.emplace_back(change.revision, id);
    }
  }
  if (closed.size() <= kMostClosed) return;
  constexpr std::size_t kMostAtOnce = 1000;  // a commit delays those that wait behind it
  std::sort(closed.begin(), closed.end());
  closed.resize(std::min(closed.size() - kMostClosed, kMostAtOnce));
  std::vector<audit::Edit> edits;
  for (const auto& [revision, id] : closed) edits.push_back({std::string(kChangeKind), id, std::nullopt, std::nullopt});
  if (!store_.commit(edits, std::nullopt)) return;
  const std::lock_guard lock(mutex_);
  for (const auto& [revision, id] : closed) changes_.erase(id);
}

std::optional<Change> Changes::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = changes_.find(id);
  if (found == changes_.end()) return std::nullopt;
  return found->second;
}

std::vector<Change> Changes::open() const {
  const std::lock_guard lock(mutex_);
  std::vector<Change> waiting;
  for (const auto& [id, change] : changes_) {
    if (change.state == Change::State::Open) waiting.push_back(change);
  }
  std::sort(waiting.begin(), waiting.end(),
            [](const Change& a, const Change& b) { return std::tie(a.at, a.id) < std::tie(b.at, b.id); });
  return waiting;
}

Preview Changes::preview(const Change& change, const Basis& basis) const {
  return changes::preview(*store_.desired(), change, unixSeconds(clock_.wall()), basis);
}

}  // namespace loam::changes
