#include "rollout/api/identity_routes.h"

#include <functional>
#include <utility>

#include "rollout/api/identity_view.h"
#include "rollout/api/problem.h"
#include "rollout/api/times.h"

namespace loam::api {

namespace {

using http::Response;
using identity::Denial;
using identity::Identities;
using Live = std::vector<identity::Acknowledgement>;

/// What an answer goes by, on the control thread.
struct Scene {
  Identities& identities;
  Live live;  ///< whom a change of roots waits for
  std::int64_t now = 0;
};
using Answer = std::function<Response(const Scene&, const Call&)>;

Response created(const Json::Value& value) {
  Response response = ok(value);
  response.status = 201;
  return response;
}

Response show(const Scene& scene) { return ok(view(*scene.identities.standing(), scene.live, scene.now)); }

Response listTokens(const Scene& scene) {
  Json::Value out(Json::objectValue);
  out["tokens"] = Json::Value(Json::arrayValue);
  for (const auto& [id, kept] : scene.identities.records().tokens()) out["tokens"].append(view(kept.value, scene.now));
  return ok(out);
}

/// The one answer that has the secret, and what the host has to pin.
Response mint(const Scene& scene, const Call& call) {
  Ask ask(call, "identity.token", {"name", "life"});
  Fields& fields = ask.fields();
  fields.require("name");
  const std::string name = fields.text("name", 255).value_or("");
  auto life = std::chrono::duration_cast<seconds>(identity::kJoinTokenLife);
  if (const auto text = fields.text("life", 16)) {
    const auto length = parseLength(*text);
    if (!length) fields.problem("life", length.error().context);
    if (length) life = seconds(*length);
  }
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto minted = scene.identities.mint(name, life, ask.act());
  if (!minted) return problem(minted.error());
  Json::Value out = view(minted->token, scene.now);
  out["secret"] = minted->secret;
  out["root"] = scene.identities.standing()->rotation.issuing;
  return created(out);
}

Response dropToken(const Scene& scene, const Call& call) {
  Ask ask(call, "identity.token.drop", {});
  if (auto refused = ask.refuse()) return *std::move(refused);
  const Status done = scene.identities.dropToken(call.names.at("id"), ask.act());
  return done ? Response{.status = 204} : problem(done.error());
}

Response listDenials(const Scene& scene) {
  Json::Value out(Json::objectValue);
  out["denials"] = Json::Value(Json::arrayValue);
  for (const auto& [key, denial] : scene.identities.records().denials().denials()) out["denials"].append(view(denial));
  return ok(out);
}

Response deny(const Scene& scene, const Call& call) {
  Ask ask(call, "identity.revoke", {"name", "serial"});
  ask.requireReason();
  const auto name = ask.fields().text("name", 255);
  const auto serial = ask.fields().text("serial", 64);
  if (name.has_value() == serial.has_value()) ask.fields().problem("", "expected either a name or a serial");
  if (auto refused = ask.refuse()) return *std::move(refused);
  const auto of = name ? Denial::Of::Name : Denial::Of::Serial;
  const auto revoked = scene.identities.deny(of, name ? *name : *serial, ask.act());
  if (!revoked) return problem(revoked.error());
  Json::Value out = view(revoked->denial);
  out["certificates"] = Json::UInt64(revoked->certificates);
  return created(out);
}

Response allow(const Scene& scene, const Call& call) {
  Ask ask(call, "identity.allow", {});
  if (auto refused = ask.refuse()) return *std::move(refused);
  const Status done = scene.identities.allow(call.names.at("key"), ask.act());
  return done ? Response{.status = 204} : problem(done.error());
}

Response rotate(const Scene& scene, const Call& call) {
  Ask ask(call, "identity.rotate", {"step"});
  ask.fields().require("step");
  const auto step = ask.fields().oneOf("step", {"begin", "advance", "abort"});
  if (auto refused = ask.refuse()) return *std::move(refused);
  audit::Act act = ask.act();
  act.verb.append(".").append(*step);
  const auto taken = *step == "begin"     ? identity::RotationStep::Begin
                     : *step == "advance" ? identity::RotationStep::Advance
                                          : identity::RotationStep::Abort;
  const Status done = scene.identities.rotate(taken, scene.live, act);
  return done ? show(scene) : problem(done.error());
}

/// `since`: unix seconds from which on the fleet was listened to.
io::Task<Response> answer(Control control, Call call, std::int64_t since, Answer then) {
  if (control.identities == nullptr) {
    co_return problem(404, "not_found", "this controller holds no authority: its setting agents is not given");
  }
  // Named: g++ 12 destroys a temporary that a co_await takes by value twice.
  Background::Work work = [control, call, since, then, heard = heardOf(control.fleet)] {
    Identities& identities = *control.identities;
    const std::int64_t now = unixSeconds(control.clock.wall());
    const Scene scene{identities,
                      identity::liveAgents(identities.records(), identities.standing()->trustDomain, heard, since, now),
                      now};
    return then(scene, call);
  };
  Response response = co_await control.writer.run(std::move(work));
  co_return response;
}

}  // namespace

std::vector<identity::Heard> heardOf(const fleet::Fleet& fleet) {
  std::vector<identity::Heard> heard;
  fleet.visit([&](const fleet::Agent& agent) {
    if (!agent.spiffe.empty()) heard.push_back({agent.name, agent.trust, !fleet.isSilent(agent)});
  });
  return heard;
}

void addIdentityRoutes(Router& router, const Control& control) {
  const std::int64_t since = unixSeconds(control.clock.wall());
  const auto add = [&](Access access, const char* method, const char* pattern, Answer then) {
    router.add(access, method, pattern,
               [control, since, then](const Call& call) { return answer(control, call, since, then); });
  };
  add(Access::Viewer, "GET", "/v1/identity", [](const Scene& scene, const Call&) { return show(scene); });
  add(Access::Viewer, "GET", "/v1/identity/certificates",
      [](const Scene& scene, const Call&) { return ok(viewCertificates(scene.identities.records(), scene.now)); });
  add(Access::Viewer, "GET", "/v1/identity/tokens", [](const Scene& scene, const Call&) { return listTokens(scene); });
  add(Access::Admin, "POST", "/v1/identity/tokens", mint);
  add(Access::Admin, "DELETE", "/v1/identity/tokens/{id}", dropToken);
  add(Access::Viewer, "GET", "/v1/identity/denials",
      [](const Scene& scene, const Call&) { return listDenials(scene); });
  add(Access::Admin, "POST", "/v1/identity/denials", deny);
  add(Access::Admin, "DELETE", "/v1/identity/denials/{key}", allow);
  add(Access::Admin, "POST", "/v1/identity/rotation", rotate);
}

}  // namespace loam::api
