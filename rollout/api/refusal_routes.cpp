// What the features of a service refused its callers, or would have.
#include "rollout/api/explain_view.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using http::Response;

Response refusals(const Control& control, const Call& call) {
  const QueryReader query(call.request, unixSeconds(control.clock.wall()));
  if (const Status known = query.expectOnly({"from", "to"}); !known) return problem(known.error());
  const auto window = query.window("from", "to", "-7d");
  if (!window) return problem(window.error());
  const auto calls = control.record->calls(*window, call.names.at("name"));
  if (!calls) return problem(calls.error());
  Json::Value out(Json::objectValue);
  out["service"] = calls->service;
  out["refusals"] = Json::Value(Json::arrayValue);
  for (const record::ServiceVerdict& verdict : calls->verdicts) out["refusals"].append(refusalView(verdict));
  out["window"]["from"] = graph::rfc3339(window->from);
  out["window"]["to"] = graph::rfc3339(window->to);
  return ok(out);
}

}  // namespace

void addRefusalRoutes(Router& router, const Control& control) {
  router.add(Access::Viewer, "GET", "/v1/services/{name}/refusals", [control](const Call& call) {
    return control.reader.run([control, call] { return refusals(control, call); });
  });
}

}  // namespace loam::api
