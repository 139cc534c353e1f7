#include "proxy/base/nearest.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/grounds.h"
#include "rollout/api/pager.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/reach_view.h"
#include "rollout/api/refusal.h"
#include "rollout/api/scoped.h"

namespace loam::api {

namespace {

using http::Response;

/// What a route of changes has: the request, and what the fleet knew when it came, which is another thread's.
struct Asked {
  const Control& control;
  const Call& call;
  const fleet::Sight& sight;

  std::string id() const { return call.names.at("id"); }
  changes::Basis basis(bool acceptRisk = false) const { return {groundsOf(control, sight), acceptRisk}; }
};

/// A service that nobody knows is a slip of the pen more often than one that is yet to come.
std::optional<Response> refuseUnknown(const Asked& asked, const std::vector<changes::CellEdit>& edits) {
  const auto desired = asked.control.flags.desired();
  const auto& known = asked.sight.topology->services;
  for (const changes::CellEdit& edit : edits) {
    const std::string& service = edit.cell.service;
    if (service == flags::kEveryService || known.contains(service)) continue;
    if (desired->services.contains(service) || desired->flag(edit.cell).revision != 0) continue;
    std::vector<std::string> names;
    for (const auto& [name, place] : known) names.push_back(name);
    return problem(404, "not_found", "no service is called \"" + service + "\"", nearest(service, names));
  }
  return std::nullopt;
}

std::vector<flags::Cell> cellsOf(const std::vector<changes::CellEdit>& edits) {
  std::vector<flags::Cell> cells;
  for (const changes::CellEdit& edit : edits) cells.push_back(edit.cell);
  return cells;
}

/// Whoever may change only a part can neither do nor drop what somebody proposed for the rest.
std::optional<Response> refuseOutsider(const Asked& asked) {
  const auto change = asked.control.changes.find(asked.id());
  return change ? refuseOutside(asked.call.caller, cellsOf(change->edits)) : std::nullopt;
}

Response propose(const Asked& asked) {
  const Control& control = asked.control;
  const bool dry = asked.call.request.query("dry_run") == "true";
  Ask ask(asked.call, "change.propose", {"edits"});
  ask.fields().require("edits");
  ask.readTimes("edits", {"expires", "at"}, unixSeconds(control.clock.wall()));
  auto edits = changes::readCellEdits(ask.fields(), "edits");
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutside(asked.call.caller, cellsOf(edits))) return *std::move(refused);
  if (auto refused = refuseUnknown(asked, edits)) return *std::move(refused);
  const auto change =
      dry ? control.changes.draft(std::move(edits), ask.act()) : control.changes.propose(std::move(edits), ask.act());
  if (!change) return problem(change.error());
  Response response = ok(view(*change, control.changes.preview(*change, asked.basis()), asked.sight));
  if (dry) return response;
  response.status = 201;
  response.headers.emplace_back("Location", "/v1/changes/" + change->id);
  return response;
}

/// Parameters are read strictly: a preview that was misspelt is no preview.
Response proposeStrictly(const Asked& asked) {
  const QueryReader query(asked.call.request, 0);
  if (const Status known = query.expectOnly({"dry_run"}); !known) return problem(known.error());
  const std::string dry = asked.call.request.query("dry_run");
  if (!dry.empty() && dry != "true" && dry != "false")
    return problem(400, "invalid_argument", "dry_run: expected true or false");
  if (dry == "true") return propose(asked);
  return asked.control.answers.once(asked.call, Answers::Keep::Ledger, [&asked] { return propose(asked); });
}

Response apply(const Asked& asked) {
  Ask ask(asked.call, "change.apply", {"hash", "accept_risk"});
  ask.requireReason();
  ask.fields().require("hash");
  const std::string hash = ask.fields().text("hash", 64).value_or("");
  const bool acceptRisk = ask.fields().boolean("accept_risk").value_or(false);
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutsider(asked)) return *std::move(refused);
  const auto applied = asked.control.changes.apply(asked.id(), hash, ask.act(), asked.basis(acceptRisk));
  if (!applied) return problem(applied.error());
  if (!*applied) return refusal(applied->error(), asked.id());
  return ok(view(**applied));
}

Response discard(const Asked& asked) {
  Ask ask(asked.call, "change.discard", {});
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutsider(asked)) return *std::move(refused);
  const auto discarded = asked.control.changes.discard(asked.id(), ask.act());
  if (!discarded) return problem(discarded.error());
  if (!*discarded) return refusal(discarded->error(), asked.id());
  return ok(view(**discarded));
}

Response show(const Asked& asked) {
  const auto change = asked.control.changes.find(asked.id());
  if (!change) return problem(404, "not_found", "there is no change " + asked.id());
  if (change->state != changes::Change::State::Open) return ok(view(*change));
  return ok(view(*change, asked.control.changes.preview(*change, asked.basis()), asked.sight));
}

Response list(const Asked& asked) {
  const QueryReader query(asked.call.request, 0);
  if (const Status known = query.expectOnly({"most", "after"}); !known) return problem(known.error());
  auto page = Pager::of(asked.call.request);
  if (!page) return problem(page.error());
  Json::Value out(Json::objectValue);
  out["changes"] = Json::Value(Json::arrayValue);
  for (const changes::Change& change : asked.control.changes.open()) {
    if (page->takes(orderedKey(static_cast<std::uint64_t>(change.at)) + change.id)) out["changes"].append(view(change));
    if (page->isFull()) break;
  }
  return page->finish(std::move(out));
}

Response once(const Asked& asked, Response (*act)(const Asked&)) {
  return asked.control.answers.once(asked.call, Answers::Keep::Ledger, [&] { return act(asked); });
}

}  // namespace

void addChangeRoutes(Router& router, const Control& control) {
  using Answer = std::function<Response(const Asked&)>;
  const auto add = [&](Access access, const char* method, const char* pattern, Answer answer) {
    RouteHandler handler = [control, access, answer](const Call& call) {
      Background& thread = access == Access::Viewer ? control.reader : control.writer;
      return thread.run([control, call, answer, sight = control.fleet.sight()] {
        return answer({control, call, sight});
      });
    };
    router.add(access, method, pattern, std::move(handler), Scoping::Checked);
  };
  add(Access::Viewer, "GET", "/v1/changes", list);
  add(Access::Operator, "POST", "/v1/changes", proposeStrictly);
  add(Access::Viewer, "GET", "/v1/changes/{id}", show);
  add(Access::Operator, "POST", "/v1/changes/{id}/apply", [](const Asked& asked) { return once(asked, apply); });
  add(Access::Operator, "POST", "/v1/changes/{id}/discard", [](const Asked& asked) { return once(asked, discard); });
}

}  // namespace loam::api
