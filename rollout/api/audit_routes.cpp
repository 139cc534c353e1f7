#include <charconv>

#include "rollout/api/flag_routes.h"
#include "rollout/api/problem.h"
#include "rollout/api/times.h"

namespace loam::api {

namespace {

using http::Response;

Result<std::uint64_t> number(const Call& call, const char* name, std::uint64_t otherwise, std::uint64_t most) {
  const std::string text = call.request.query(name);
  if (text.empty()) return otherwise;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    return fail(ErrorCode::InvalidArgument,
                std::string(name) + ": expected a whole number up to " + std::to_string(most));
  }
  return value;
}

Result<audit::EventQuery> queryOf(const Call& call, std::int64_t now) {
  constexpr std::uint64_t kMostEvents = 10'000;
  audit::EventQuery query;
  const auto after = number(call, "after", 0, ~std::uint64_t{0});
  if (!after) return fail(after.error());
  const auto most = number(call, "most", query.most, kMostEvents);
  if (!most) return fail(most.error());
  query.after = *after;
  query.most = *most;
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
  const auto query = queryOf(call, unixSeconds(control.clock.wall()));
  if (!query) return problem(query.error());
  const std::string format = call.request.query("format");
  if (!format.empty() && format != "json" && format != "ndjson" && format != "csv") {
    return problem(400, "invalid_argument", "format: expected json, ndjson or csv");
  }
  const auto events = control.ledger.events(*query);
  if (!events) return problem(events.error());
  if (format == "csv" || format == "ndjson") {
    const bool csv = format == "csv";
    std::string text = csv ? audit::csvHeader() + "\n" : "";
    for (const audit::Event& event : *events) text += (csv ? audit::toCsvLine(event) : audit::toJsonLine(event)) + "\n";
    return {.contentType = csv ? "text/csv; charset=utf-8" : "application/x-ndjson", .body = std::move(text)};
  }
  Json::Value out(Json::objectValue);
  out["events"] = Json::Value(Json::arrayValue);
  for (const audit::Event& event : *events) out["events"].append(audit::toJson(event));
  if (events->size() == query->most && !events->empty()) out["next"] = Json::UInt64(events->back().sequence);
  return ok(out);
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
