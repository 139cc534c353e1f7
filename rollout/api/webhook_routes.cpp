#include "rollout/api/webhook_routes.h"

#include <algorithm>
#include <utility>

#include "proxy/base/nearest.h"
#include "proxy/base/utc.h"
#include "rollout/api/problem.h"

namespace loam::api {

namespace {

using http::Response;

Json::Value view(const notify::HookStanding& hook) {
  Json::Value out(Json::objectValue);
  out["name"] = hook.name;
  out["url"] = hook.url;
  out["events"] = Json::Value(Json::arrayValue);
  for (const std::string& event : hook.events) out["events"].append(event);
  out["delivered"] = Json::UInt64(hook.delivered);
  out["failed"] = Json::UInt64(hook.failed);
  out["refused"] = Json::UInt64(hook.refused);
  out["expired"] = Json::UInt64(hook.expired);
  out["dropped"] = Json::UInt64(hook.dropped);
  out["waiting"] = Json::UInt64(hook.waiting);
  if (hook.lastSuccess != 0) out["last_success"] = utcText(hook.lastSuccess);
  if (hook.lastFailure != 0) out["last_failure"] = utcText(hook.lastFailure);
  if (!hook.lastError.empty()) out["last_error"] = hook.lastError;
  return out;
}

Json::Value view(const notify::Attempt& attempt) {
  Json::Value out(Json::objectValue);
  out["id"] = attempt.id;
  out["taken"] = attempt.taken;
  out["milliseconds"] = Json::Int64(attempt.took.count());
  if (attempt.status != 0) out["status"] = attempt.status;
  if (!attempt.error.empty()) out["error"] = attempt.error;
  return out;
}

std::vector<notify::HookStanding> hooksOf(const Control& control) {
  return control.webhooks == nullptr ? std::vector<notify::HookStanding>() : control.webhooks->standing();
}

Response list(const Control& control) {
  Json::Value out(Json::objectValue);
  out["webhooks"] = Json::Value(Json::arrayValue);
  for (const notify::HookStanding& hook : hooksOf(control)) out["webhooks"].append(view(hook));
  return ok(out);
}

io::Task<Response> test(Control control, io::EventLoop& loop, Call call) {
  Ask ask(call, "webhook.test", {});
  if (auto refused = ask.refuse()) co_return *std::move(refused);
  std::string name = call.names.at("name");
  std::vector<std::string> known;
  for (const notify::HookStanding& hook : hooksOf(control)) known.push_back(hook.name);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    const std::string detail = known.empty() ? "no webhook is configured (webhooks in controller.yaml)"
                                             : "there is no webhook \"" + name + "\"";
    co_return problem(404, "not_found", detail, nearest(name, known));
  }
  const notify::Attempt attempt = co_await control.webhooks->test(loop, std::move(name));
  co_return ok(view(attempt));
}

}  // namespace

void addWebhookRoutes(Router& router, const Control& control, io::EventLoop& loop) {
  router.add(Access::Viewer, "GET", "/v1/webhooks",
             [control](const Call&) -> io::Task<Response> { co_return list(control); });
  router.add(Access::Admin, "POST", "/v1/webhooks/{name}/test",
             [control, &loop](const Call& call) { return test(control, loop, call); });
}

}  // namespace loam::api
