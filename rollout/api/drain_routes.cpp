#include <algorithm>

#include "proxy/base/nearest.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/fleet_routes.h"
#include "rollout/api/problem.h"

namespace loam::api {

namespace {

using fleet::DrainState;
using http::Response;

/// What the fleet knows of a proxy at one moment, for the control thread.
struct Seen {
  fleet::Agent agent;
  DrainState state = DrainState::None;
  bool known = false;              ///< it asked, or the record knows it
  std::vector<std::string> meant;  ///< where it is not known: names that are near
};

Seen look(const Control& control, const std::string& name) {
  Seen seen;
  seen.agent.name = name;
  const auto topology = control.fleet.topology();
  const auto agent = control.fleet.agent(name);
  seen.known = agent || topology->carried.contains(name);
  if (agent) seen.agent = *agent;
  seen.state = drainStateOf(seen.agent, control.fleet.epoch());
  if (seen.known) return seen;
  std::vector<std::string> names;
  for (const fleet::Agent& one : control.fleet.expected()) names.push_back(one.name);
  for (const auto& [one, services] : topology->carried) names.push_back(one);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  seen.meant = nearest(name, names);
  return seen;
}

/// As it is now that `state` is what follows.
Response answer(const Seen& seen, DrainState state, bool changed, std::uint64_t revision) {
  Json::Value out(Json::objectValue);
  out["proxy"] = seen.agent.name;
  out["changed"] = changed;
  out["revision"] = Json::UInt64(revision);
  out["drain"] = drainView(seen.agent, state);
  return ok(out);
}

Response unknown(const Seen& seen) {
  return problem(404, "not_found", "no proxy called \"" + seen.agent.name + "\" was ever heard of", seen.meant);
}

Response tooOld(const Seen& seen) {
  return problem(409, "too_old",
                 seen.agent.name + " is too old to be drained (version " + seen.agent.version +
                     "): give it a newer loam-proxy, or run `loam capture remove` on its host");
}

/// Drained twice is drained once: who did it first, and why, stays.
Response drain(const Control& control, const Call& call, Seen seen) {
  Ask ask(call, "proxy.drain", {});
  ask.requireReason();
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto desired = control.flags.desired();
  if (const auto found = desired->drains.find(seen.agent.name); found != desired->drains.end()) {
    const DrainState state = seen.agent.drain ? seen.state : DrainState::Asked;
    seen.agent.drain = found->second;
    return answer(seen, state, false, found->second.revision);
  }
  if (!seen.known) return unknown(seen);
  if (seen.agent.lastContact != 0 && !canDrain(seen.agent)) return tooOld(seen);
  flags::Drain wanted;
  wanted.proxy = seen.agent.name;
  wanted.reason = ask.act().reason;
  wanted.by = ask.act().who;
  wanted.at = std::chrono::duration_cast<milliseconds>(control.clock.wall().time_since_epoch()).count();
  const audit::Edit edit{std::string(flags::kDrainKind), wanted.proxy, 0, toJson(wanted)};
  const auto done = control.flags.commit({&edit, 1}, ask.act());
  if (!done) return problem(done.error());
  if (!done->stale.empty()) return problem(409, "conflict", wanted.proxy + " was drained at this moment");
  seen.agent.drain = wanted;
  return answer(seen, DrainState::Asked, true, done->revision);
}

Response resume(const Control& control, const Call& call, Seen seen) {
  Ask ask(call, "proxy.resume", {});
  ask.requireReason();
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto desired = control.flags.desired();
  if (!desired->drains.contains(seen.agent.name)) {
    const DrainState state = seen.agent.drain ? DrainState::Resuming : seen.state;
    seen.agent.drain.reset();
    return seen.known ? answer(seen, state, false, desired->revision) : unknown(seen);
  }
  const audit::Edit edit{std::string(flags::kDrainKind), seen.agent.name, std::nullopt, std::nullopt};
  const auto done = control.flags.commit({&edit, 1}, ask.act());
  if (!done) return problem(done.error());
  seen.agent.drain.reset();
  const bool wasTold = seen.state != DrainState::TooOld && seen.agent.lastContact != 0;
  return answer(seen, wasTold ? DrainState::Resuming : DrainState::None, true, done->revision);
}

}  // namespace

void addDrainRoutes(Router& router, const Control& control) {
  const auto add = [&](const char* pattern, Response (*act)(const Control&, const Call&, Seen)) {
    router.add(Access::Operator, "POST", pattern, [control, act](const Call& call) {
      // The fleet is the loop's, and what is written the control thread's.
      return control.writer.run([control, call, act, seen = look(control, call.names.at("proxy"))] {
        return control.answers.once(call, Answers::Keep::Ledger, [&] { return act(control, call, seen); });
      });
    });
  };
  add("/v1/fleet/{proxy}/drain", drain);
  add("/v1/fleet/{proxy}/resume", resume);
}

}  // namespace loam::api
