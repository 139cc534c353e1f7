#include "rollout/changes/change.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "proxy/base/json.h"
#include "proxy/base/sha256.h"

namespace loam::changes {

using flags::Flag;

namespace {

constexpr std::array<std::string_view, 3> kStates = {"open", "applied", "discarded"};

Json::Value editsJson(const Change& change) {
  Json::Value out(Json::arrayValue);
  for (const CellEdit& edit : change.edits) out.append(toJson(edit));
  return out;
}

Json::Value basesJson(const Change& change) {
  Json::Value out(Json::objectValue);
  for (const auto& [cell, revision] : change.bases) out[cell.key()] = Json::UInt64(revision);
  return out;
}

}  // namespace

std::string_view name(Change::State state) { return kStates[static_cast<std::size_t>(state)]; }

std::string Change::hash() const {
  Json::Value seen(Json::objectValue);
  seen["edits"] = editsJson(*this);
  seen["bases"] = basesJson(*this);
  return sha256Hex(writeJson(seen));
}

Json::Value toJson(const Change& change) {
  Json::Value out(Json::objectValue);
  out["edits"] = editsJson(change);
  out["bases"] = basesJson(change);
  out["state"] = std::string(name(change.state));
  out["by"] = change.by;
  out["at"] = Json::Int64(change.at);
  return out;
}

Result<Change> fromDocument(const audit::Document& document) {
  std::vector<FieldProblem> problems;
  Fields fields(document.body, "", problems, {"edits", "bases", "state", "by", "at"});
  Change change;
  change.id = document.key;
  change.edits = readCellEdits(fields, "edits");
  const Json::Value bases = fields.value("bases");
  for (const CellEdit& edit : change.edits) change.bases[edit.cell] = bases[edit.cell.key()].asUInt64();
  const std::string state = fields.oneOf("state", {kStates[0], kStates[1], kStates[2]}).value_or("discarded");
  change.state = static_cast<Change::State>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
  change.by = fields.text("by").value_or("");
  change.at = fields.integer("at", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  change.revision = document.revision;
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, "change " + document.key + ": " + text(problems));
  return change;
}

bool Preview::applies() const {
  return moved.empty() &&
         std::all_of(judgements.begin(), judgements.end(), [](const Judgement& one) { return one.applies(); });
}

Preview preview(const flags::Desired& desired, const Change& change, std::int64_t now, const Basis& basis) {
  Preview preview;
  flags::Desired later = desired;
  for (const CellEdit& edit : change.edits) {
    preview.judgements.push_back(judge(desired, edit, now));
    const Judgement& judgement = preview.judgements.back();
    later.flags[edit.cell] = judgement.after;
    const auto base = change.bases.find(edit.cell);
    const std::uint64_t expected = base == change.bases.end() ? 0 : base->second;
    if (judgement.before.revision != expected) preview.moved.push_back({edit.cell, expected, judgement.before});
  }
  for (Judgement& judgement : preview.judgements) {
    judgement.needs = needsOf(judgement.after, later);
    judgement.checks = checksOf(judgement, basis.grounds);
    judgement.riskAccepted = basis.acceptRisk;
  }
  return preview;
}

audit::Act withRisk(audit::Act act, const Preview& preview) {
  constexpr std::size_t kMostReason = 4096;  // of a flag's document
  std::string risk;
  for (const Judgement& judgement : preview.judgements) {
    if (judgement.riskAccepted) risk += (risk.empty() ? "" : "; ") + judgement.risk();
  }
  if (risk.empty()) return act;
  constexpr std::string_view kSaid = " [risk accepted: ";
  const std::size_t used = act.reason.size() + kSaid.size() + 1;
  std::size_t room = used < kMostReason ? kMostReason - used : 0;
  if (risk.size() > room) {
    while (room > 0 && (static_cast<unsigned char>(risk[room]) & 0xc0) == 0x80) --room;  // whole characters
    risk.resize(room);
  }
  if (used < kMostReason) act.reason.append(kSaid).append(risk).append("]");
  return act;
}

std::vector<audit::Edit> commitOf(const Change& change, const Preview& preview, const audit::Act& act,
                                  std::int64_t nowMs) {
  std::vector<audit::Edit> edits;
  for (const Judgement& judgement : preview.judgements) {
    Flag flag = judgement.after;
    flag.by = act.who;
    flag.reason = act.reason;
    flag.at = nowMs;
    if (flag.scheduled) {
      flag.scheduled->by = act.who;
      flag.scheduled->reason = act.reason;
    }
    edits.push_back({std::string(flags::kFlagKind), flag.cell.key(), judgement.before.revision, toJson(flag)});
  }
  Change applied = change;
  applied.state = Change::State::Applied;
  edits.push_back({std::string(kChangeKind), change.id, change.revision, toJson(applied)});
  return edits;
}

}  // namespace loam::changes
