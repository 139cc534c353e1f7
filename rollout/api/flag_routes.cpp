#include "rollout/api/flag_routes.h"

#include <algorithm>
#include <utility>

#include "rollout/api/flag_view.h"
#include "rollout/api/pager.h"
#include "rollout/api/precondition.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/scoped.h"
#include "rollout/api/times.h"

namespace loam::api {

namespace {

using http::Response;

/// Every cell that somebody touched, and of a service that is asked for all the others too.
Response listFlags(const Control& control, const Call& call) {
  const QueryReader query(call.request, 0);
  if (const Status known = query.expectOnly({"service", "feature", "most", "after"}); !known)
    return problem(known.error());
  auto page = Pager::of(call.request);
  if (!page) return problem(page.error());
  const std::string service = call.request.query("service");
  const std::string feature = call.request.query("feature");
  const auto desired = control.flags.desired();
  const std::int64_t now = unixSeconds(control.clock.wall());
  std::map<flags::Cell, flags::Flag> shown;
  for (const auto& [cell, flag] : desired->flags) {
    if ((service.empty() || cell.service == service) && (feature.empty() || cell.feature == feature))
      shown[cell] = flag;
  }
  if (!service.empty()) {
    for (const features::Feature& one : features::registry()) {
      const flags::Cell cell{service, std::string(one.name)};
      if (feature.empty() || feature == one.name) shown[cell] = desired->flag(cell);
    }
  }
  Json::Value out(Json::objectValue);
  out["revision"] = Json::UInt64(desired->revision);
  out["flags"] = Json::Value(Json::arrayValue);
  for (const auto& [cell, flag] : shown) {
    if (page->takes(cell.service + '\x01' + cell.feature)) out["flags"].append(view(flag, desired->frozen(cell, now)));
    if (page->isFull()) break;
  }
  Response response = page->finish(std::move(out));
  response.headers.emplace_back("ETag", etagOf(desired->revision));
  return response;
}

Response showFlag(const Control& control, const flags::Cell& cell) {
  if (features::find(cell.feature) == nullptr) {
    return problem(404, "not_found", "there is no feature \"" + cell.feature + "\"");
  }
  const auto desired = control.flags.desired();
  const flags::Flag flag = desired->flag(cell);
  return at(flag.revision, view(flag, desired->frozen(cell, unixSeconds(control.clock.wall()))));
}

Response listFeatures() {
  Json::Value out(Json::objectValue);
  for (const features::Feature& feature : features::registry()) out["features"].append(view(feature));
  return ok(out);
}

Response listFreezes(const Control& control) {
  Json::Value out(Json::objectValue);
  out["freezes"] = Json::Value(Json::arrayValue);
  const auto desired = control.flags.desired();
  for (const auto& [id, freeze] : desired->freezes) out["freezes"].append(view(freeze));
  return ok(out);
}

Response freeze(const Control& control, const Call& call) {
  Ask ask(call, "freeze", {"service", "feature", "until"});
  ask.requireReason();
  flags::Freeze freeze;
  freeze.service = ask.fields().text("service", 128).value_or("");
  freeze.feature = ask.fields().text("feature", 64).value_or("");
  const std::int64_t now = unixSeconds(control.clock.wall());
  if (const auto until = ask.fields().text("until", 64)) {
    const auto time = parseTime(*until, now);
    if (time && *time > now) freeze.until = *time;
    if (!time) ask.fields().problem("until", time.error().context);
    if (time && *time <= now) ask.fields().problem("until", "that time is over");
  }
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutside(call.caller, {{freeze.service, freeze.feature}})) return *std::move(refused);
  freeze.reason = ask.act().reason;
  freeze.by = ask.act().who;
  const auto desired = control.flags.desired();
  freeze.id = "fr-" + std::to_string(desired->revision + 1);
  const audit::Edit edit{std::string(flags::kFreezeKind), freeze.id, 0, toJson(freeze)};
  const auto done = control.flags.commit({&edit, 1}, ask.act());
  if (!done) return problem(done.error());
  freeze.revision = done->revision;
  Response response = ok(view(freeze));
  response.status = 201;
  return response;
}

Response unfreeze(const Control& control, const Call& call, const std::string& id) {
  Ask ask(call, "unfreeze", {});
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto desired = control.flags.desired();
  const auto found = desired->freezes.find(id);
  if (found == desired->freezes.end()) return problem(404, "not_found", "there is no freeze " + id);
  const flags::Cell cell{found->second.service, found->second.feature};
  if (auto refused = refuseOutside(call.caller, {cell})) return *std::move(refused);
  const audit::Edit edit{std::string(flags::kFreezeKind), id, std::nullopt, std::nullopt};
  const auto done = control.flags.commit({&edit, 1}, ask.act());
  if (!done) return problem(done.error());
  return {.status = 204};
}

/// No revision, no prerequisite, no database: what makes things safer is never refused.
Response kill(const Control& control, const Call& call) {
  Ask ask(call, "kill", {"service", "feature"});
  const std::string service = ask.fields().text("service", 128).value_or("");
  const std::string feature = ask.fields().text("feature", 64).value_or("");
  if (!feature.empty() && features::find(feature) == nullptr) {
    ask.fields().problem("feature", "there is no feature \"" + feature + "\"");
  }
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (auto refused = refuseOutside(call.caller, {{service, feature}})) return *std::move(refused);
  const auto killed = control.flags.kill(service, feature, ask.act());
  Json::Value out(Json::objectValue);
  out["revision"] = Json::UInt64(killed.revision);
  out["journalled"] = killed.journalled;
  out["flags"] = Json::Value(Json::arrayValue);
  for (const flags::Cell& cell : killed.cells) {
    Json::Value one(Json::objectValue);
    one["service"] = cell.service;
    one["feature"] = cell.feature;
    out["flags"].append(std::move(one));
  }
  return ok(out);
}

}  // namespace

void addFlagRoutes(Router& router, const Control& control) {
  using Answer = std::function<Response(const Control&, const Call&)>;
  const auto add = [&](Access access, const char* method, const char* pattern, Answer answer) {
    RouteHandler handler = [control, access, answer](const Call& call) {
      Background& thread = access == Access::Viewer ? control.reader : control.writer;
      return thread.run([control, call, answer] { return answer(control, call); });
    };
    router.add(access, method, pattern, std::move(handler), Scoping::Checked);
  };
  add(Access::Viewer, "GET", "/v1/features", [](const Control&, const Call&) { return listFeatures(); });
  add(Access::Viewer, "GET", "/v1/flags", [](const Control& to, const Call& call) { return listFlags(to, call); });
  add(Access::Viewer, "GET", "/v1/services/{service}/features/{feature}", [](const Control& to, const Call& call) {
    return showFlag(to, {call.names.at("service"), call.names.at("feature")});
  });
  add(Access::Viewer, "GET", "/v1/freezes", [](const Control& to, const Call&) { return listFreezes(to); });
  add(Access::Operator, "POST", "/v1/freezes", [](const Control& to, const Call& call) {
    return to.answers.once(call, Answers::Keep::Ledger, [&] { return freeze(to, call); });
  });
  add(Access::Operator, "DELETE", "/v1/freezes/{id}",
      [](const Control& to, const Call& call) { return unfreeze(to, call, call.names.at("id")); });
  add(Access::Operator, "POST", "/v1/kill", [](const Control& to, const Call& call) {
    return to.answers.once(call, Answers::Keep::Memory, [&] { return kill(to, call); });
  });
}

}  // namespace loam::api
