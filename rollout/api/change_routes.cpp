#include "proxy/base/nearest.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/problem.h"
#include "rollout/api/scoped.h"

namespace loam::api {

namespace {

using changes::Refused;
using http::Response;

Response refusal(const Refused& refused, const std::string& id) {
  switch (refused.why) {
    case Refused::Why::Unknown:
      return problem(404, "not_found", "there is no change " + id);
    case Refused::Why::Closed:
      return problem(409, "closed", "change " + id + " is " + std::string(changes::name(refused.change.state)));
    default:
      break;
  }
  std::vector<FieldProblem> problems;
  for (std::size_t i = 0; i < refused.preview.judgements.size(); ++i) {
    const std::string at = "/edits/" + std::to_string(i);
    for (const FieldProblem& one : refused.preview.judgements[i].problems)
      problems.push_back({at + one.pointer, one.detail});
    for (const changes::NeedState& need : refused.preview.judgements[i].needs) {
      if (need.met) continue;
      problems.push_back({at, std::string(need.need.feature) + " has to be " + std::string(need.need.stage) +
                                  (need.need.whole ? " at 100 %" : "") + " first, and is " + need.found + ": " +
                                  std::string(need.need.why)});
    }
  }
  struct Form {
    int status;
    const char* detail;
  };
  Form form{422, "the change cannot be applied"};
  if (refused.why == Refused::Why::Stale) form = {412, "flags changed since it was proposed"};
  if (refused.why == Refused::Why::Unseen) form = {412, "the hash is not of this change: look at its preview again"};
  if (refused.why == Refused::Why::NotReady) form = {422, "what it needs is not there yet"};
  Response response = problem(form.status, changes::name(refused.why), form.detail, problems);
  // With what moved, so that nobody has to ask again to see why.
  return withMember(std::move(response), "change", view(refused.change, refused.preview));
}

/// A service that nobody knows is a slip of the pen more often than one that is yet to come.
std::optional<Response> refuseUnknown(const Control& control, const fleet::Topology& topology,
                                      const std::vector<changes::CellEdit>& edits) {
  const auto desired = control.flags.desired();
  for (const changes::CellEdit& edit : edits) {
    const std::string& service = edit.cell.service;
    const bool known = service == flags::kEveryService || topology.services.contains(service) ||
                       desired->services.contains(service) || desired->flag(edit.cell).revision != 0;
    if (known) continue;
    std::vector<std::string> names;
    for (const auto& [name, place] : topology.services) names.push_back(name);
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
std::optional<Response> refuseOutsider(const Control& control, const Call& call, const std::string& id) {
  const auto change = control.changes.find(id);
  return change ? refuseOutside(call.caller, cellsOf(change->edits)) : std::nullopt;
}

Response propose(const Control& control, const fleet::Topology& topology, const Call& call) {
  Ask ask(call, "change.propose", {"edits"});
  ask.fields().require("edits");
  ask.readTimes("edits", {"expires", "at"}, unixSeconds(control.clock.wall()));
  auto edits = changes::readCellEdits(ask.fields(), "edits");
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutside(call.caller, cellsOf(edits))) return *std::move(refused);
  if (auto refused = refuseUnknown(control, topology, edits)) return *std::move(refused);
  const auto change = control.changes.propose(std::move(edits), ask.act());
  if (!change) return problem(change.error());
  Response response = ok(view(*change, control.changes.preview(*change)));
  response.status = 201;
  response.headers.emplace_back("Location", "/v1/changes/" + change->id);
  return response;
}

Response apply(const Control& control, const Call& call, const std::string& id) {
  Ask ask(call, "change.apply", {"hash"});
  ask.requireReason();
  ask.fields().require("hash");
  const std::string hash = ask.fields().text("hash", 64).value_or("");
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutsider(control, call, id)) return *std::move(refused);
  const auto applied = control.changes.apply(id, hash, ask.act());
  if (!applied) return problem(applied.error());
  if (!*applied) return refusal(applied->error(), id);
  return ok(view(**applied));
}

Response discard(const Control& control, const Call& call, const std::string& id) {
  Ask ask(call, "change.discard", {});
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutsider(control, call, id)) return *std::move(refused);
  const auto discarded = control.changes.discard(id, ask.act());
  if (!discarded) return problem(discarded.error());
  if (!*discarded) return refusal(discarded->error(), id);
  return ok(view(**discarded));
}

Response show(const Control& control, const std::string& id) {
  const auto change = control.changes.find(id);
  if (!change) return problem(404, "not_found", "there is no change " + id);
  if (change->state != changes::Change::State::Open) return ok(view(*change));
  return ok(view(*change, control.changes.preview(*change)));
}

Response list(const Control& control) {
  Json::Value out(Json::objectValue);
  out["changes"] = Json::Value(Json::arrayValue);
  for (const changes::Change& change : control.changes.open()) out["changes"].append(view(change));
  return ok(out);
}

}  // namespace

void addChangeRoutes(Router& router, const Control& control) {
  using Answer = std::function<Response(const Control&, const Call& call, const std::string& id)>;
  const auto add = [&](Access access, const char* method, const char* pattern, Answer answer) {
    RouteHandler handler = [control, answer](const Call& call) {
      return control.writer.run([control, call, answer] {
        const auto id = call.names.find("id");
        return answer(control, call, id == call.names.end() ? std::string() : id->second);
      });
    };
    router.add(access, method, pattern, std::move(handler), Scoping::Checked);
  };
  add(Access::Viewer, "GET", "/v1/changes",
      [](const Control& to, const Call&, const std::string&) { return list(to); });
  RouteHandler proposing = [control](const Call& call) {
    // The fleet is this thread's; what it knows goes over as it is now.
    return control.writer.run(
        [control, call, topology = control.fleet.topology()] { return propose(control, *topology, call); });
  };
  router.add(Access::Operator, "POST", "/v1/changes", std::move(proposing), Scoping::Checked);
  add(Access::Viewer, "GET", "/v1/changes/{id}",
      [](const Control& to, const Call&, const std::string& id) { return show(to, id); });
  add(Access::Operator, "POST", "/v1/changes/{id}/apply", apply);
  add(Access::Operator, "POST", "/v1/changes/{id}/discard", discard);
}

}  // namespace loam::api
