#include "rollout/api/reach_view.h"

#include <algorithm>

#include "rollout/api/flag_view.h"

namespace loam::api {

namespace {

constexpr std::size_t kMostNames = 200;
constexpr std::size_t kMostCallers = 50;
constexpr Json::ArrayIndex kMostFlags = 100;  // who edits more does not read them one by one

/// {"count": 3, "names": [...]}.
Json::Value counted(const std::vector<std::string>& names) {
  Json::Value out(Json::objectValue);
  out["count"] = Json::UInt64(names.size());
  out["names"] = Json::Value(Json::arrayValue);
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) out["names"].append(names[i]);
  return out;
}

Json::Value view(const fleet::Named& named) {
  Json::Value out(Json::objectValue);
  out["in"] = counted(named.in);
  out["out"] = counted(named.out);
  out["stays_in"] = counted(named.staysIn);
  out["stays_out"] = counted(named.staysOut);
  out["strange"] = counted(named.strange);
  out["by_rank"] = named.byRank;
  return out;
}

Json::Value view(const fleet::Expected& expected) {
  Json::Value out(Json::objectValue);
  out["per_second"] = expected.perSecond;
  out["percent_before"] = flags::shareText(expected.before);
  out["percent_after"] = flags::shareText(expected.after);
  return out;
}

Json::Value view(const fleet::EdgeTraffic& call) {
  Json::Value out(Json::objectValue);
  out["caller"] = call.caller;
  out["protocol"] = call.protocol;
  out["port"] = call.port;
  out["connections"] = Json::UInt64(call.connections);
  out["requests"] = Json::UInt64(call.requests);
  return out;
}

}  // namespace

Json::Value view(const fleet::Reach& reach) {
  Json::Value out(Json::objectValue);
  out["stage"] = reach.stage;
  out["percent_of"] = std::string(features::name(reach.unit));
  if (reach.named) out["switches"] = view(*reach.named);
  if (reach.expected) out["expected"] = view(*reach.expected);
  out["callers"] = Json::Value(Json::arrayValue);
  for (std::size_t i = 0; i < std::min(reach.calls.size(), kMostCallers); ++i)
    out["callers"].append(view(reach.calls[i]));
  Json::Value& blast = out["blast_radius"];
  blast["callers"] = Json::UInt64(reach.callers);
  blast["edges"] = Json::UInt64(reach.calls.size());
  blast["edge_share"] = reach.edgeShare;
  blast["window_seconds"] = Json::Int64(reach.seconds);
  blast["proxies"] = counted(reach.carriers);
  blast["lacking"] = counted(reach.lacking);
  blast["silent"] = counted(reach.silent);
  return out;
}

Json::Value view(const changes::Change& change, const changes::Preview& preview, const fleet::Sight& sight) {
  Json::Value out = view(change, preview);
  if (change.id.empty()) out.removeMember("id");
  for (Json::ArrayIndex i = 0; i < std::min<Json::ArrayIndex>(out["flags"].size(), kMostFlags); ++i) {
    const changes::Judgement& judgement = preview.judgements[i];
    out["flags"][i]["reach"] = view(fleet::reachOf(judgement.before, judgement.after, sight));
  }
  return out;
}

}  // namespace loam::api
