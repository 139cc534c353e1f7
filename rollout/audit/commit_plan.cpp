#include "rollout/audit/commit_plan.h"

#include <set>

#include "proxy/base/assert.h"
#include "proxy/base/json.h"
#include "proxy/base/utf8.h"
#include "rollout/audit/json_patch.h"

namespace loam::audit {

namespace {

bool isStorable(std::string_view text) { return isUtf8(text) && text.find('\0') == std::string_view::npos; }

void checkAct(const Act& act, std::vector<std::string>& problems) {
  if (act.who.empty()) problems.emplace_back("the act says not who");
  if (act.verb.empty()) problems.emplace_back("the act has no verb");
  const std::pair<const char*, const std::string*> texts[] = {{"who", &act.who},
                                                              {"via", &act.via},
                                                              {"from", &act.from},
                                                              {"verb", &act.verb},
                                                              {"reason", &act.reason},
                                                              {"ticket", &act.ticket},
                                                              {"correlation", &act.correlation}};
  for (const auto& [name, text] : texts) {
    if (!isStorable(*text)) problems.push_back(std::string("the act's ") + name + " is no UTF-8 text");
  }
}

void checkName(const Edit& edit, const std::string& place, std::vector<std::string>& problems) {
  for (const auto& [name, text] : {std::pair{"kind", &edit.kind}, std::pair{"key", &edit.key}}) {
    if (text->empty()) problems.push_back(place + " has no " + name);
    if (!isStorable(*text)) problems.push_back(place + "'s " + name + " is no UTF-8 text");
  }
}

void makeCanonical(Json::Value& body, const std::string& place, std::vector<std::string>& problems) {
  if (body.isNull()) return problems.push_back(place + "'s body is null");
  const std::string text = writeJson(body);
  auto read = parseJson(text, kMostBodyDepth);
  if (!isUtf8(text)) {
    problems.push_back(place + "'s body holds text that is no UTF-8");
  } else if (!read) {
    problems.push_back(place + "'s body: " + read.error().context);
  } else {
    body = *std::move(read);
  }
}

Event eventOf(const Act& act, const Edit& edit, const std::optional<Document>& current, const CommitPlan& plan,
              std::int64_t at) {
  Event event;
  event.sequence = plan.head.sequence + 1;
  event.at = at;
  event.act = act;
  event.kind = edit.kind;
  event.key = edit.key;
  event.fromRevision = current ? current->revision : 0;
  event.toRevision = edit.body ? plan.head.revision : 0;
  event.patch = diffJson(current ? current->body : Json::Value(), edit.body.value_or(Json::Value()));
  event.previous = plan.head.hash;
  event.hash = hashOf(event);
  return event;
}

bool changes(const Edit& edit, const std::optional<Document>& current) {
  if (!edit.body || !current) return edit.body.has_value() != current.has_value();
  return writeJson(*edit.body) != writeJson(current->body);
}

}  // namespace

Result<std::vector<Edit>> checkEdits(std::span<const Edit> edits, const std::optional<Act>& act) {
  std::vector<std::string> problems;
  std::set<std::pair<std::string_view, std::string_view>> seen;
  if (act) checkAct(*act, problems);
  std::vector<Edit> checked(edits.begin(), edits.end());
  for (Edit& edit : checked) {
    const std::string place = "document " + edit.kind + " " + edit.key;
    checkName(edit, place, problems);
    if (!seen.emplace(edit.kind, edit.key).second) problems.push_back(place + " is edited twice");
    if (edit.body) makeCanonical(*edit.body, place, problems);
  }
  if (problems.empty()) return checked;
  std::string all;
  for (const std::string& problem : problems) all.append(all.empty() ? "" : "; ").append(problem);
  return fail(ErrorCode::InvalidArgument, std::move(all));
}

CommitPlan planCommit(const Head& head, std::span<const Edit> edits, std::span<const std::optional<Document>> current,
                      const std::optional<Act>& act, std::int64_t at) {
  LOAM_ASSERT(edits.size() == current.size());
  CommitPlan plan;
  plan.head = head;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const std::uint64_t revision = current[i] ? current[i]->revision : 0;
    if (edits[i].expected.value_or(revision) != revision)
      plan.stale.push_back({edits[i].kind, edits[i].key, *edits[i].expected, revision});
  }
  if (!plan.stale.empty()) return plan;
  ++plan.head.revision;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const Edit& edit = edits[i];
    if (!changes(edit, current[i])) continue;
    if (edit.body) {
      plan.written.push_back({edit.kind, edit.key, plan.head.revision, *edit.body});
    } else {
      plan.removed.emplace_back(edit.kind, edit.key);
    }
    if (!act) continue;
    plan.events.push_back(eventOf(*act, edit, current[i], plan, at));
    plan.head.sequence = plan.events.back().sequence;
    plan.head.hash = plan.events.back().hash;
  }
  if (plan.written.empty() && plan.removed.empty()) plan.head = head;
  return plan;
}

}  // namespace loam::audit
