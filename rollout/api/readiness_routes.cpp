#include <algorithm>
#include <chrono>

#include "proxy/base/nearest.h"
#include "proxy/filters/mtls.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/grounds.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/features/mtls_readiness.h"
#include "rollout/features/simulated_readiness.h"
#include "rollout/fleet/ground.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using http::Response;

constexpr std::int64_t kMostSimulated = 7 * 86'400;  // callers that come once a week count

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

Json::Value view(const features::SimulatedReadiness& readiness) {
  Json::Value out(Json::objectValue);
  out["percent"] = readiness.percent();
  out["callers"] = Json::Value(Json::arrayValue);
  for (const features::SimulatedCaller& caller : readiness.callers) {
    Json::Value one(Json::objectValue);
    one["caller"] = caller.name;
    one["connections"] = Json::UInt64(caller.connections);
    one["share"] = caller.share;
    one["refused"] = Json::UInt64(caller.refused());
    one["rules"] = Json::Value(Json::objectValue);
    for (const auto& [rule, count] : caller.rules) one["rules"][rule] = Json::UInt64(count);
    if (caller.lastRefused != 0) one["last_refused"] = graph::rfc3339(caller.lastRefused);
    one["blocks"] = caller.blocks;
    one["why"] = caller.why();
    out["callers"].append(std::move(one));
  }
  return out;
}

/// A readiness with what it stands on; `checks` say whether it is one.
Json::Value judged(Json::Value out, const flags::Flag& flag, const std::string& to,
                   const std::vector<features::Check>& checks) {
  bool ready = true;
  out["checks"] = Json::Value(Json::arrayValue);
  for (const features::Check& check : checks) {
    out["checks"].append(api::view(check));
    ready = ready && check.passed;
  }
  out["service"] = flag.cell.service;
  out["feature"] = flag.cell.feature;
  out["stage"] = flag.stage;
  out["to"] = to;
  out["ready"] = ready;
  return out;
}

Json::Value ofMtls(const flags::Flag& flag, const std::string& to, const features::Ground& ground) {
  const features::Rise rise{flag.stage, flag.share == flags::kWhole, to, flag.settings, flag.exclude};
  Json::Value out = view(features::readinessOf(ground, windowOf(flag), flag.exclude), to == "strict");
  return judged(std::move(out), flag, to, features::find("mtls")->checks(rise, [&ground] { return ground; }));
}

/// What the proxies counted since the flag is as it is: before, other settings may have held.
Result<Json::Value> ofSimulated(const Control& control, const flags::Flag& flag, const std::string& to) {
  const std::int64_t now = unixSeconds(control.clock.wall());
  const std::int64_t since = std::max(now - kMostSimulated, std::min(flag.at / 1000, now));
  auto calls = control.record->calls({since, now + 1}, flag.cell.service);
  if (!calls && calls.error().code == ErrorCode::NotFound) calls = record::Calls{flag.cell.service, {}, {}, {}};
  if (!calls) return fail(std::move(calls).error());
  const auto readiness = features::simulatedReadiness(*calls, flag.cell.feature, flag.exclude);
  Json::Value out = view(readiness);
  out["window_seconds"] = Json::Int64(now - since);
  out["missing"] = Json::Value(Json::arrayValue);
  if (readiness.callers.empty()) out["missing"].append("the record knows no caller since the flag was changed");
  if (now - since < kMostSimulated)
    out["missing"].append("nothing counts from before the flag was changed, " + features::lengthText(now - since) +
                          " ago");
  const bool isOn = flag.stage != "off";
  return judged(std::move(out), flag, to,
                {{"simulated", isOn, isOn ? "" : "it is off: nobody counts what it would refuse"},
                 {"nobody would be refused", readiness.isReady(), readiness.whoBlocks()}});
}

/// The stages that are asked about, the usual one last; none of a feature that nobody counts.
std::vector<std::string> stagesOf(const std::string& feature) {
  if (feature == "mtls") return {"prefer", "strict"};
  if (std::find(features::kSimulated.begin(), features::kSimulated.end(), feature) == features::kSimulated.end())
    return {};
  return {std::string(features::find(feature)->ladder.back().name)};
}

Response readiness(const Control& control, const Call& call, const fleet::Sight& sight) {
  const QueryReader query(call.request, 0);
  if (const Status known = query.expectOnly({"feature", "to"}); !known) return problem(known.error());
  const std::string named = call.request.query("feature");
  const flags::Cell cell{call.names.at("service"), named.empty() ? "mtls" : named};
  const std::vector<std::string> stages = stagesOf(cell.feature);
  if (stages.empty())
    return problem(400, "invalid_argument", "feature: expected mtls, policy, rate_limit, serve or timeouts");
  const std::string to = call.request.query("to").empty() ? stages.back() : call.request.query("to");
  if (std::find(stages.begin(), stages.end(), to) == stages.end())
    return problem(400, "invalid_argument",
                   "to: expected " + (stages.size() == 1 ? stages[0] : stages[0] + " or " + stages[1]));
  const auto record = recordAround(control, cell.service);
  if (!record) return problem(record.error());
  const auto desired = control.flags.desired();
  if (auto refused = refuseUnknown(sight, *desired, *record, cell)) return *std::move(refused);
  const flags::Flag flag = desired->flag(cell);
  if (cell.feature == "mtls")
    return ok(ofMtls(flag, to, fleet::groundOf(flag, sight, *record, unixSeconds(control.clock.wall()))));
  const auto counted = ofSimulated(control, flag, to);
  return counted ? ok(*counted) : problem(counted.error());
}

}  // namespace

void addReadinessRoutes(Router& router, const Control& control) {
  router.add(Access::Viewer, "GET", "/v1/services/{service}/readiness", [control](const Call& call) {
    return control.reader.run(
        [control, call, sight = control.fleet.sight()] { return readiness(control, call, sight); });
  });
}

}  // namespace loam::api
