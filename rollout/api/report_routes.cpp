#include "rollout/api/report_routes.h"

#include "proxy/base/json.h"
#include "proxy/wire/report.h"
#include "rollout/api/problem.h"

namespace loam::api {

using http::Response;

Response takeReport(record::Recorder& recorder, const std::string& body, const std::string& proxy) {
  const auto report = wire::decodeReport(body);
  if (!report) return problem(report.error());
  if (!proxy.empty() && report->proxy != proxy) return problem(403, "forbidden", "the certificate is another proxy's");
  const auto counted = recorder.ingest(*report);
  if (!counted) return problem(counted.error());
  Json::Value value(Json::objectValue);
  value["counted"] = *counted;
  return ok(value);
}

void addReportRoutes(Router& router, record::Recorder& recorder, Background& writer) {
  router.add(Access::Proxy, "POST", "/v1/reports", [&recorder, &writer](const Call& call) {
    return writer.run([&recorder, body = call.request.body] { return takeReport(recorder, body, {}); });
  });
}

}  // namespace loam::api
