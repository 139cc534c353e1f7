#include "rollout/api/report_routes.h"

#include "proxy/base/json.h"
#include "proxy/wire/report.h"
#include "rollout/api/problem.h"

namespace loam::api {

namespace {

using http::Response;

Response nameNode(record::Recorder& recorder, const std::string& node, const std::string& body) {
  const auto json = parseJson(body);
  if (!json) return problem(json.error());
  if (!json->isObject() || json->size() != 1) {
    return problem(400, "invalid_argument", "expected an object with the one member \"name\"");
  }
  const auto name = readString(*json, "name");
  if (!name) return problem(400, "invalid_argument", name.error().context);
  if (const Status status = recorder.nameNode(node, *name); !status) return problem(status.error());
  Json::Value value(Json::objectValue);
  value["node"] = node;
  value["name"] = *name;
  return ok(value);
}

}  // namespace

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
  router.add(Access::Operator, "PUT", "/v1/nodes/{node}/name", [&recorder, &writer](const Call& call) {
    return writer.run(
        [&recorder, node = call.names.at("node"), body = call.request.body] { return nameNode(recorder, node, body); });
  });
}

}  // namespace loam::api
