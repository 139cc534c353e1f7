#include <chrono>

#include "proxy/base/nearest.h"
#include "proxy/filters/mtls.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/grounds.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/features/mtls_readiness.h"
#include "rollout/fleet/ground.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using http::Response;

Json::Value view(const features::CallerStanding& standing) {
  constexpr double kPercent = 100;
  const features::CallerRecord& record = standing.record;
  Json::Value out(Json::objectValue);
  out["caller"] = record.name;
  out["connections"] = Json::UInt64(record.connections);
  out["share"] = standing.share;
  const std::uint64_t between = record.connections - std::min(record.local, record.connections);
  out["mutual_percent"] =
      between == 0 ? kPercent : kPercent * static_cast<double>(record.mutual) / static_cast<double>(between);
  out["reason"] = record.reason;
  if (record.lastPlaintext) out["last_plaintext"] = graph::rfc3339(*record.lastPlaintext);
  out["first_seen"] = graph::rfc3339(record.firstSeen);
  out["last_seen"] = graph::rfc3339(record.lastSeen);
  out["blocks"] = standing.blocks;
  out["why"] = standing.why;
  return out;
}

Json::Value view(const features::MtlsReadiness& readiness, bool byCallers) {
  Json::Value out(Json::objectValue);
  out["window_seconds"] = Json::Int64(readiness.window);
  out["percent"] = readiness.percent();
  out["callers"] = Json::Value(Json::arrayValue);
  for (features::CallerStanding caller : readiness.callers) {
    if (!byCallers) caller.blocks = false;  // whoever calls in plaintext may go on
    if (!byCallers) caller.why.clear();
    out["callers"].append(view(caller));
  }
  out["missing"] = Json::Value(Json::arrayValue);
  for (const std::string& one : readiness.missing) out["missing"].append(one);
  return out;
}

std::int64_t windowOf(const flags::Flag& flag) {
  std::vector<FieldProblem> unseen;
  const auto settings = filters::read<filters::MtlsSettings>(flag.settings, unseen, filters::Purpose::Keep);
  return std::chrono::duration_cast<seconds>(settings.plaintextWindow).count();
}

std::optional<Response> refuseUnknown(const fleet::Sight& sight, const flags::Desired& desired,
                                      const graph::Graph& record, const flags::Cell& cell) {
  const bool known = sight.topology->services.contains(cell.service) || desired.flags.contains(cell);
  if (known || !record.nodes.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& [name, place] : sight.topology->services) names.push_back(name);
  return problem(404, "not_found", "no service is called \"" + cell.service + "\"", nearest(cell.service, names));
}

Response readiness(const Control& control, const Call& call, const fleet::Sight& sight) {
  const QueryReader query(call.request, 0);
  if (const Status known = query.expectOnly({"feature", "to"}); !known) return problem(known.error());
  const std::string named = call.request.query("feature");
  const flags::Cell cell{call.names.at("service"), named.empty() ? "mtls" : named};
  const std::string to = call.request.query("to").empty() ? "strict" : call.request.query("to");
  if (cell.feature != "mtls") return problem(400, "invalid_argument", "feature: only mtls is checked so");
  if (to != "prefer" && to != "strict") return problem(400, "invalid_argument", "to: expected prefer or strict");
  const auto record = recordAround(control, cell.service);
  if (!record) return problem(record.error());
  const auto desired = control.flags.desired();
  if (auto refused = refuseUnknown(sight, *desired, *record, cell)) return *std::move(refused);
  const flags::Flag flag = desired->flag(cell);
  const features::Ground ground = fleet::groundOf(flag, sight, *record, unixSeconds(control.clock.wall()));
  Json::Value out = view(features::readinessOf(ground, windowOf(flag), flag.exclude), to == "strict");
  const features::Rise rise{flag.stage, flag.share == flags::kWhole, to, flag.settings, flag.exclude};
  bool ready = true;
  out["checks"] = Json::Value(Json::arrayValue);
  for (const features::Check& check : features::find(cell.feature)->checks(rise, [&ground] { return ground; })) {
    out["checks"].append(api::view(check));
    ready = ready && check.passed;
  }
  out["service"] = cell.service;
  out["feature"] = cell.feature;
  out["stage"] = flag.stage;
  out["to"] = to;
  out["ready"] = ready;
  return ok(out);
}

}  // namespace

void addReadinessRoutes(Router& router, const Control& control) {
  router.add(Access::Viewer, "GET", "/v1/services/{service}/readiness", [control](const Call& call) {
    return control.reader.run(
        [control, call, sight = control.fleet.sight()] { return readiness(control, call, sight); });
  });
}

}  // namespace loam::api
