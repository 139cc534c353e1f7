#include "rollout/api/event_routes.h"

#include <charconv>

#include "rollout/api/problem.h"

namespace loam::api {

namespace {

using http::Response;

Result<EventHub::Start> startOf(const http::Request& request) {
  EventHub::Start start;
  // A browser that comes back asks the same, and says in the header how far it was.
  std::string after(request.header("last-event-id"));
  if (after.empty()) after = request.query("after");
  if (!after.empty()) {
    std::uint64_t sequence = 0;
    const auto [end, error] = std::from_chars(after.data(), after.data() + after.size(), sequence);
    if (error != std::errc() || end != after.data() + after.size() || sequence > INT64_MAX) {
      return fail(ErrorCode::InvalidArgument, "after: expected the sequence of an event");
    }
    start.after = sequence;
  }
  const std::string kinds = request.query("kinds");
  for (std::size_t from = 0; from < kinds.size();) {
    const std::size_t comma = std::min(kinds.find(',', from), kinds.size());
    std::string kind = kinds.substr(from, comma - from);
    if (!EventHub::isKind(kind)) {
      return fail(ErrorCode::InvalidArgument,
                  "kinds: expected flag, change, freeze, proxy and audit, found \"" + kind + "\"");
    }
    start.kinds.insert(std::move(kind));
    from = comma + 1;
  }
  return start;
}

Response listen(EventHub& hub, const http::Request& request) {
  auto start = startOf(request);
  if (!start) return problem(start.error());
  if (request.method == "HEAD") return {.contentType = "text/event-stream"};
  Response response{.contentType = "text/event-stream"};
  response.stream = hub.subscribe(*std::move(start));
  if (!response.stream) return problem(503, "too_many_readers", "too many listen already");
  return response;
}

}  // namespace

void addEventRoutes(Router& router, EventHub& hub) {
  router.add(Access::Viewer, "GET", "/v1/events",
             [&hub](const Call& call) -> io::Task<Response> { co_return listen(hub, call.request); });
}

}  // namespace loam::api
