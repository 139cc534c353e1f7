#include "rollout/api/agent_routes.h"

#include <utility>

#include "rollout/api/agent_caller.h"
#include "rollout/api/fleet_routes.h"
#include "rollout/api/problem.h"
#include "rollout/api/report_routes.h"
#include "rollout/identity/identities.h"

namespace loam::api {

namespace {

using http::Response;

/// 403 is always the same: who joins learns nothing of tokens (D10).
Response join(identity::Identities& identities, const Call& call) {
  const auto asked = wire::decodeJoin(call.request.body);
  if (!asked) return problem(asked.error());
  const auto enrolment = identities.join(*asked, call.request.peer.address.ip);
  if (!enrolment) return problem(enrolment.error());
  return {.body = wire::encode(*enrolment)};
}

Response renew(identity::Identities& identities, const Call& call) {
  const auto asked = wire::decodeRenew(call.request.body);
  if (!asked) return problem(asked.error());
  const http::Peer& peer = call.request.peer;
  const auto enrolment = identities.renew(peer.id, peer.serial, asked->csr, peer.address.ip);
  if (!enrolment) return problem(enrolment.error());
  return {.body = wire::encode(*enrolment)};
}

io::Task<Response> watch(fleet::Fleet& fleet, AgentTally& tally, Call call) {
  std::string proxy = provenProxy(call.caller);
  Response response = co_await answerWatch(fleet, std::move(call.request), std::move(proxy));
  if (response.status == 403) ++tally.foreign;
  co_return response;
}

io::Task<Response> report(record::Recorder& recorder, Background& writer, AgentTally& tally, Call call) {
  // Named: g++ 12 destroys a temporary that a co_await takes by value twice.
  Background::Work take = [&recorder, body = std::move(call.request.body), proxy = provenProxy(call.caller)] {
    return takeReport(recorder, body, proxy);
  };
  Response response = co_await writer.run(std::move(take));
  if (response.status == 403) ++tally.foreign;
  co_return response;
}

}  // namespace

void addAgentRoutes(Router& router, const Control& control, record::Recorder& recorder, Background& recordWriter,
                    AgentTally& tally) {
  router.add(Access::Anyone, "POST", "/v1/join", [control](const Call& call) {
    return control.writer.run([control, call] { return join(*control.identities, call); });
  });
  router.add(Access::Proxy, "POST", "/v1/renew", [control](const Call& call) {
    return control.writer.run([control, call] { return renew(*control.identities, call); });
  });
  router.add(Access::Proxy, "POST", "/v1/watch",
             [control, &tally](const Call& call) { return watch(control.fleet, tally, call); });
  router.add(Access::Proxy, "POST", "/v1/reports", [&recorder, &recordWriter, &tally](const Call& call) {
    return report(recorder, recordWriter, tally, call);
  });
}

}  // namespace loam::api
