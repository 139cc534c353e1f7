#include "rollout/api/flag_view.h"

#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

Json::Value list(const std::vector<std::string>& texts) {
  Json::Value out(Json::arrayValue);
  for (const std::string& text : texts) out.append(text);
  return out;
}

Json::Value problems(const std::vector<FieldProblem>& all) {
  Json::Value out(Json::arrayValue);
  for (const FieldProblem& problem : all) {
    Json::Value entry(Json::objectValue);
    entry["pointer"] = problem.pointer;
    entry["detail"] = problem.detail;
    out.append(std::move(entry));
  }
  return out;
}

Json::Value view(const changes::NeedState& state) {
  Json::Value out(Json::objectValue);
  out["feature"] = std::string(state.need.feature);
  out["stage"] = std::string(state.need.stage);
  out["whole"] = state.need.whole;
  out["why"] = std::string(state.need.why);
  out["met"] = state.met;
  out["found"] = state.found;
  return out;
}

}  // namespace

Json::Value view(const features::Check& check) {
  Json::Value out(Json::objectValue);
  out["name"] = check.name;
  out["passed"] = check.passed;
  out["found"] = check.found;
  return out;
}

Json::Value view(const features::Feature& feature) {
  Json::Value out(Json::objectValue);
  out["name"] = std::string(feature.name);
  out["summary"] = std::string(feature.summary);
  out["acts"] = std::string(feature.acts);
  out["initial"] = std::string(feature.initial);
  for (const features::Stage& stage : feature.ladder) {
    Json::Value rung(Json::objectValue);
    rung["stage"] = std::string(stage.name);
    rung["percent_of"] = std::string(features::name(stage.unit));
    rung["beside"] = stage.beside;
    rung["expires"] = stage.expires;
    rung["capability"] = std::string(stage.capability);
    out["ladder"].append(std::move(rung));
  }
  return out;
}

Json::Value view(const flags::Flag& flag, const flags::Freeze* frozen) {
  Json::Value out(Json::objectValue);
  out["service"] = flag.cell.service;
  out["feature"] = flag.cell.feature;
  out["stage"] = flag.stage;
  out["percent"] = flags::shareText(flag.share);
  out["include"] = list(flag.include);
  out["exclude"] = list(flag.exclude);
  out["settings"] = flag.settings;
  out["revision"] = Json::UInt64(flag.revision);
  out["killed"] = flag.killed;
  if (const features::Feature* feature = features::find(flag.cell.feature)) {
    const auto rung = feature->rung(flag.stage);
    if (rung) out["percent_of"] = std::string(features::name(feature->ladder[*rung].unit));
  }
  if (flag.expires) out["expires"] = graph::rfc3339(*flag.expires);
  if (flag.scheduled) {
    out["scheduled"]["at"] = graph::rfc3339(flag.scheduled->at);
    out["scheduled"]["stage"] = flag.scheduled->stage;
    out["scheduled"]["percent"] = flags::shareText(flag.scheduled->share);
    out["scheduled"]["by"] = flag.scheduled->by;
    out["scheduled"]["reason"] = flag.scheduled->reason;
  }
  if (flag.at != 0) {
    out["changed_by"] = flag.by;
    out["changed_at"] = graph::rfc3339(flag.at / 1000);
    out["reason"] = flag.reason;
  }
  if (frozen != nullptr) out["frozen"] = view(*frozen);
  return out;
}

Json::Value view(const changes::Change& change) {
  Json::Value out(Json::objectValue);
  out["id"] = change.id;
  out["state"] = std::string(changes::name(change.state));
  out["by"] = change.by;
  out["at"] = graph::rfc3339(change.at / 1000);
  out["revision"] = Json::UInt64(change.revision);
  out["hash"] = change.hash();
  out["edits"] = Json::Value(Json::arrayValue);
  for (const changes::CellEdit& edit : change.edits) out["edits"].append(changes::toJson(edit));
  return out;
}

Json::Value view(const changes::Change& change, const changes::Preview& preview) {
  Json::Value out = view(change);
  out["applies"] = preview.applies();
  out["flags"] = Json::Value(Json::arrayValue);
  for (const changes::Judgement& judgement : preview.judgements) {
    Json::Value one(Json::objectValue);
    one["before"] = view(judgement.before, nullptr);
    one["after"] = view(judgement.after, nullptr);
    one["rises"] = judgement.rises;
    one["problems"] = problems(judgement.problems);
    one["needs"] = Json::Value(Json::arrayValue);
    for (const changes::NeedState& need : judgement.needs) one["needs"].append(view(need));
    one["checks"] = Json::Value(Json::arrayValue);
    for (const features::Check& check : judgement.checks) one["checks"].append(view(check));
    out["flags"].append(std::move(one));
  }
  out["moved"] = Json::Value(Json::arrayValue);
  for (const changes::Preview::Moved& moved : preview.moved) {
    Json::Value one(Json::objectValue);
    one["service"] = moved.cell.service;
    one["feature"] = moved.cell.feature;
    one["seen_revision"] = Json::UInt64(moved.base);
    one["current"] = view(moved.current, nullptr);
    out["moved"].append(std::move(one));
  }
  return out;
}

Json::Value view(const flags::Freeze& freeze) {
  Json::Value out(Json::objectValue);
  out["id"] = freeze.id;
  out["service"] = freeze.service;
  out["feature"] = freeze.feature;
  if (freeze.until) out["until"] = graph::rfc3339(*freeze.until);
  out["reason"] = freeze.reason;
  out["by"] = freeze.by;
  out["revision"] = Json::UInt64(freeze.revision);
  return out;
}

Json::Value view(const fleet::Progress& progress) {
  Json::Value out(Json::objectValue);
  out["concerned"] = Json::UInt64(progress.concerned);
  out["acknowledged"] = Json::UInt64(progress.acknowledged);
  out["in_effect"] = Json::UInt64(progress.inEffect);
  out["done"] = progress.isDone();
  out["behind"] = list(progress.behind);
  out["refused"] = list(progress.refused);
  out["silent"] = list(progress.silent);
  return out;
}

Json::Value drainView(const fleet::Agent& agent, fleet::DrainState state) {
  Json::Value out(Json::objectValue);
  out["state"] = std::string(fleet::name(state));
  if (agent.drain) {
    out["by"] = agent.drain->by;
    out["reason"] = agent.drain->reason;
    out["at"] = graph::rfc3339(agent.drain->at / 1000);
  }
  if (agent.drained) {
    out["accepting"] = agent.drained->accepting;
    out["connections"] = Json::UInt64(agent.drained->connections);
    out["explicit_connections"] = Json::UInt64(agent.drained->explicitConnections);
    out["explicit_ports"] = Json::Value(Json::arrayValue);
    for (const SocketAddress& port : agent.drained->ports) out["explicit_ports"].append(port.text());
  }
  return out;
}

Json::Value view(const fleet::Fleet& fleet, const fleet::Agent& agent) {
  const std::uint64_t epoch = fleet.epoch();
  Json::Value out(Json::objectValue);
  out["name"] = agent.name;
  out["version"] = agent.version;
  out["capabilities"] = list(agent.capabilities);
  if (agent.lastContact != 0) out["contact_seconds_ago"] = Json::Int64(fleet.sinceContact(agent).count() / 1000);
  if (agent.clockAhead) out["clock_ahead_seconds"] = Json::Int64(*agent.clockAhead);
  out["clock_off"] = agent.isClockOff();
  out["silent"] = fleet.isSilent(agent);
  out["desired"] = Json::UInt64(agent.generation);
  out["acknowledged"] = Json::UInt64(agent.epoch == epoch ? agent.acknowledged : 0);
  out["in_effect"] = Json::UInt64(agent.epoch == epoch ? agent.inEffect : 0);
  out["drift"] = !agent.runsIt(epoch);
  if (!agent.spiffe.empty()) out["spiffe"] = agent.spiffe;
  out["snapshot_bytes"] = Json::UInt64(agent.bytes);
  out["old_connections"] = Json::UInt64(agent.oldConnections);
  out["killed"] = agent.killed;
  out["drain"] = drainView(agent, fleet::drainStateOf(agent, epoch));
  if (agent.refused) {
    out["refused"]["generation"] = Json::UInt64(agent.refused->generation);
    out["refused"]["reasons"] = list(agent.refused->reasons);
  }
  out["withheld"] = Json::Value(Json::arrayValue);
  for (const fleet::Withheld& withheld : agent.withheld) {
    Json::Value one(Json::objectValue);
    one["service"] = withheld.service;
    one["capability"] = withheld.capability;
    out["withheld"].append(std::move(one));
  }
  return out;
}

}  // namespace loam::api
