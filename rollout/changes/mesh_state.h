#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/fields.h"
#include "rollout/changes/cell_edit.h"
#include "rollout/flags/desired.h"

namespace loam::changes {

/// What is wanted of the whole mesh as people keep it in a file: what is not said stands where every service begins.
struct MeshState {
  std::map<flags::Cell, CellEdit> flags;  ///< each says all of its flag
  std::map<std::string, flags::ServiceSettings> services;
  std::vector<flags::Freeze> freezes;
};

/// {"flags": {service: {feature: {stage, percent, include, exclude, settings, expires}}}, "services": {name: {owner,
/// tier, tags, captured}}, "freezes": [{service, feature, until, reason}]}: what differs from where everything begins;
/// members that say what is so anyway are left out. Times are unix seconds, `now` one. The same state gives the same
/// document, whatever the way to it. What is scheduled and who killed what is an act and no state: it is not in it.
Json::Value stateOf(const flags::Desired& desired, std::int64_t now);
/// One flag in that form; {"stage": "off"} at least.
Json::Value stateOf(const flags::Flag& flag);
/// Whether two flags of one cell are the same state.
bool saysTheSame(const flags::Flag& a, const flags::Flag& b);
Json::Value stateOf(const flags::ServiceSettings& settings);
Json::Value stateOf(const flags::Freeze& freeze);

/// Reads the members "flags", "services" and "freezes"; `document` outlives the fields.
MeshState readMeshState(const Json::Value& document, std::vector<FieldProblem>& problems);

/// What has to be done so that a state holds.
struct MeshPlan {
  std::vector<CellEdit> edits;                                                      ///< by cell
  std::vector<std::pair<flags::ServiceSettings, flags::ServiceSettings>> services;  ///< before and after
  std::vector<flags::Freeze> begun;                                                 ///< still without an id
  std::vector<flags::Freeze> lifted;

  bool isEmpty() const { return edits.empty() && services.empty() && begun.empty() && lifted.empty(); }
};

/// `prune`: what the state does not name goes back to where it begins; else it stays. Pure.
MeshPlan planOf(const flags::Desired& desired, const MeshState& state, bool prune, std::int64_t now);

}  // namespace loam::changes
