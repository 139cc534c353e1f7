#include "rollout/api/fleet_routes.h"

#include <charconv>

#include "proxy/http/date.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/pager.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/times.h"

namespace loam::api {

namespace {

using http::Response;

constexpr std::int64_t kMostWait = 60;  // seconds

io::Task<Response> progress(const Control& control, io::EventLoop& loop, std::string service, std::string revision,
                            std::string wait) {
  std::uint64_t wanted = 0;
  const auto [end, error] = std::from_chars(revision.data(), revision.data() + revision.size(), wanted);
  if (error != std::errc() || end != revision.data() + revision.size()) {
    co_return problem(400, "invalid_argument", "revision: expected a whole number");
  }
  const auto patience = wait.empty() ? Result<std::int64_t>(0) : parseLength(wait);
  if (!patience || *patience > kMostWait) {
    co_return problem(400, "invalid_argument", "wait: expected a length of at most 60s");
  }
  if (service.empty()) service = flags::kEveryService;
  const Monotonic deadline = loop.clock().now() + seconds(*patience);
  const fleet::Progress now = co_await control.fleet.settled(service, wanted, deadline);
  co_return ok(view(now));
}

Response list(const Control& control, const Call& call) {
  const QueryReader query(call.request, 0);
  if (const Status known = query.expectOnly({"most", "after"}); !known) return problem(known.error());
  auto page = Pager::of(call.request);
  if (!page) return problem(page.error());
  Json::Value out(Json::objectValue);
  out["epoch"] = Json::UInt64(control.fleet.epoch());
  out["proxies"] = Json::Value(Json::arrayValue);
  for (const fleet::Agent& agent : control.fleet.expected()) {
    if (page->takes(agent.name)) out["proxies"].append(view(control.fleet, agent));
    if (page->isFull()) break;
  }
  return page->finish(std::move(out));
}

}  // namespace

io::Task<Response> answerWatch(fleet::Fleet& fleet, http::Request request, std::string proxy) {
  auto question = wire::decodeWatch(request.body);
  if (!question) co_return problem(question.error());
  if (!proxy.empty() && question->proxy != proxy) {
    co_return problem(403, "forbidden", "the certificate is another proxy's");
  }
  const auto clock = http::parseDate(request.header("date"));
  std::string spiffe = proxy.empty() ? std::string() : std::move(request.peer.id);
  const auto answer = co_await fleet.watch(*std::move(question), std::move(spiffe), clock);
  if (!answer) co_return problem(answer.error());
  if (!*answer) co_return Response{.status = 204};
  co_return Response{.body = **answer};
}

void addFleetRoutes(Router& router, const Control& control, io::EventLoop& loop) {
  router.add(Access::Proxy, "POST", "/v1/watch",
             [control](const Call& call) { return answerWatch(control.fleet, call.request, {}); });
  router.add(Access::Viewer, "GET", "/v1/progress", [control, &loop](const Call& call) {
    return progress(control, loop, call.request.query("service"), call.request.query("revision"),
                    call.request.query("wait"));
  });
  router.add(Access::Viewer, "GET", "/v1/fleet",
             [control](const Call& call) -> io::Task<Response> { co_return list(control, call); });
  router.add(Access::Viewer, "GET", "/v1/fleet/{proxy}", [control](const Call& call) -> io::Task<Response> {
    const auto agent = control.fleet.agent(call.names.at("proxy"));
    if (!agent) co_return problem(404, "not_found", "no proxy called \"" + call.names.at("proxy") + "\" has asked yet");
    co_return ok(view(control.fleet, *agent));
  });
  router.add(Access::Viewer, "GET", "/v1/fleet/{proxy}/snapshot", [control](const Call& call) -> io::Task<Response> {
    const auto text = control.fleet.snapshotOf(call.names.at("proxy"));
    if (!text) co_return problem(404, "not_found", "no proxy of that name has asked yet");
    co_return Response{.body = *text + "\n"};
  });
}

}  // namespace loam::api
