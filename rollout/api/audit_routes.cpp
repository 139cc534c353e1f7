#include <algorithm>
#include <charconv>
#include <optional>

#include "rollout/api/flag_routes.h"
#include "rollout/api/pager.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/times.h"

namespace loam::api {

namespace {

using http::Response;

std::optional<std::uint64_t> sequenceOf(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<audit::EventQuery> queryOf(const Call& call, const Pager& page, std::int64_t now) {
  const QueryReader reader(call.request, now);
  LOAM_TRY(reader.expectOnly({"most", "after", "since", "kind", "key", "who", "from", "to", "format"}));
  audit::EventQuery query;
  if (!page.after().empty()) {
    const auto after = sequenceOf(page.after());
    if (!after) return fail(ErrorCode::InvalidArgument, "after: expected the `next` of an answer");
    query.after = *after;
  }
  if (const std::string text = call.request.query("since"); !text.empty()) {
    const auto since = sequenceOf(text);
    if (!since) return fail(ErrorCode::InvalidArgument, "since: expected the sequence of an event");
    query.after = std::max(query.after, *since);
  }
  query.most = page.most() + 1;
  query.kind = call.request.query("kind");
  query.key = call.request.query("key");
  query.who = call.request.query("who");
  for (const auto& [name, place] : {std::pair{"from", &query.from}, {"to", &query.to}}) {
    if (call.request.query(name).empty()) continue;
    const auto time = parseTime(call.request.query(name), now);
    if (!time) return fail(ErrorCode::InvalidArgument, std::string(name) + ": " + time.error().context);
    *place = *time * 1000;
  }
  return query;
}

Response listEvents(const Control& control, const Call& call) {
  constexpr std::size_t kUsual = 100;
  auto page = Pager::of(call.request, kUsual);
  if (!page) return problem(page.error());
  const auto query = queryOf(call, *page, unixSeconds(control.clock.wall()));
  if (!query) return problem(query.error());
  const std::string format = call.request.query("format");
  if (!format.empty() && format != "json" && format != "ndjson" && format != "csv") {
    return problem(400, "invalid_argument", "format: expected json, ndjson or csv");
  }
  auto events = control.ledger.events(*query);
  if (!events) return problem(events.error());
  std::erase_if(*events, [&](const audit::Event& event) { return !page->takes(orderedKey(event.sequence)); });
  if (format == "csv" || format == "ndjson") {
    const bool csv = format == "csv";
    std::string text = csv ? audit::csvHeader() + "\n" : "";
    for (const audit::Event& event : *events) text += (csv ? audit::toCsvLine(event) : audit::toJsonLine(event)) + "\n";
    Response response = page->finish(Json::Value(Json::objectValue));
    response.contentType = csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
    response.body = std::move(text);
    return response;
  }
  Json::Value out(Json::objectValue);
  out["events"] = Json::Value(Json::arrayValue);
  for (const audit::Event& event : *events) out["events"].append(audit::toJson(event));
  return page->finish(std::move(out));
}

Response verify(const Control& control) {
  const auto verified = control.ledger.verify();
  if (!verified && verified.error().code != ErrorCode::Conflict) return problem(verified.error());
  Json::Value out(Json::objectValue);
  out["whole"] = verified.has_value();
  if (!verified) out["detail"] = verified.error().context;
  if (verified) out["events"] = Json::UInt64(verified->events);
  if (verified) out["last"] = verified->last;
  return ok(out);
}

}  // namespace

void addAuditRoutes(Router& router, const Control& control) {
  router.add(Access::Viewer, "GET", "/v1/audit", [control](const Call& call) {
    return control.reader.run([control, call] { return listEvents(control, call); });
  });
  router.add(Access::Viewer, "GET", "/v1/audit/verification",
             [control](const Call&) { return control.reader.run([control] { return verify(control); }); });
}

}  // namespace loam::api
