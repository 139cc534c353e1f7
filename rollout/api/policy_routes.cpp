#include "rollout/api/policy_routes.h"

#include <algorithm>
#include <utility>

#include "proxy/base/json.h"
#include "proxy/filters/settings.h"
#include "rollout/api/control.h"
#include "rollout/api/graph_routes.h"
#include "rollout/api/policy_view.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/unknown_service.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using filters::PolicySettings;
using http::Response;

constexpr const char* kWindow = "-7d";  // callers that come once a week count
constexpr std::string_view kFeature = "policy";

/// What the handlers share, copied into the work that runs elsewhere.
struct Record {
  const record::Recorder& recorder;
  const flags::FlagStore& flags;
  const Clock& clock;
};

/// Answers with what the record knows of the calls to the service that the path names.
template <class Answer>
Response ofCalls(const Record& record, const Call& call, Answer&& answer) {
  const QueryReader reader(call.request, unixSeconds(record.clock.wall()));
  if (const Status status = reader.expectOnly({"from", "to"}); !status) return problem(status.error());
  const auto window = reader.window("from", "to", kWindow);
  if (!window) return problem(window.error());
  const std::string& service = call.names.at("name");
  auto calls = record.recorder.calls(*window, service);
  if (!calls) return unknownService(record.recorder, *window, service, calls.error());
  const auto desired = record.flags.desired();
  calls->header.sampled = sampledOf(*desired);
  Json::Value value = answer(*calls, desired->flag({calls->service, std::string(kFeature)}));
  value["service"] = calls->service;
  value["header"] = graph::toJson(calls->header);
  return ok(value);
}

Json::Value asked(const record::Calls& calls, const PolicySettings& settings, const Json::Value& canonical) {
  Json::Value value = view(features::policyImpact(calls.calls, settings));
  value["source"] = "record";
  value["settings"] = canonical;
  return value;
}

/// What the proxies counted where they did; else the flag's own settings are asked.
Json::Value simulateFlag(const record::Calls& calls, const flags::Flag& flag) {
  std::vector<FieldProblem> unseen;  // said when they were set
  const auto settings = filters::read<PolicySettings>(flag.settings, unseen, filters::Purpose::Keep);
  features::PolicyImpact counted = features::countedImpact(calls.verdicts);
  Json::Value value = asked(calls, settings, flag.settings);
  if (!counted.edges.empty()) {
    counted.connections = value["connections"].asUInt64();
    value = view(counted);
    value["source"] = "live";
    value["settings"] = flag.settings;
  }
  value["stage"] = flag.stage;
  if (flag.revision != 0) value["changed_at"] = graph::rfc3339(flag.at / 1000);
  return value;
}

Response simulateGiven(const Record& record, const Call& call) {
  const auto body = parseJson(call.request.body);
  if (!body) return problem(400, "invalid_argument", "the body is no JSON: " + body.error().context);
  std::vector<FieldProblem> problems;
  Fields fields(*body, "", problems, {"settings"});
  fields.require("settings");
  const Json::Value given = fields.value("settings");
  std::vector<FieldProblem> wrong;
  const Json::Value canonical = filters::canonical<PolicySettings>(given, wrong);
  for (const FieldProblem& one : wrong) problems.push_back({"/settings" + one.pointer, one.detail});
  if (!problems.empty()) return problem(400, "invalid_argument", text(problems), problems);
  const auto settings = filters::read<PolicySettings>(canonical, wrong);
  return ofCalls(record, call, [&](const record::Calls& calls, const flags::Flag& flag) {
    Json::Value value = asked(calls, settings, canonical);
    value["stage"] = flag.stage;
    return value;
  });
}

Response generate(const Record& record, const Call& call) {
  std::optional<Error> failed;
  const Response response = ofCalls(record, call, [&](const record::Calls& calls, const flags::Flag&) {
    const auto draft = features::draftPolicy(calls);
    if (!draft) failed = draft.error();
    return draft ? view(*draft, calls.header.window) : Json::Value(Json::objectValue);
  });
  return failed ? problem(*failed) : response;
}

}  // namespace

void addPolicyRoutes(Router& router, const record::Recorder& recorder, const flags::FlagStore& flags,
                     Background& reader, const Clock& clock) {
  using Answer = std::function<Response(const Record&, const Call&)>;
  const Record record{recorder, flags, clock};
  const auto add = [&](const char* method, std::string pattern, Answer answer) {
    router.add(Access::Viewer, method, std::move(pattern), [record, &reader, answer](const Call& call) {
      return reader.run([record, call, answer] { return answer(record, call); });
    });
  };
  add("GET", "/v1/services/{name}/policy/simulate",
      [](const Record& from, const Call& call) { return ofCalls(from, call, simulateFlag); });
  // A question with a body: it changes nothing, and so is a viewer's.
  add("POST", "/v1/services/{name}/policy/simulate", simulateGiven);
  add("GET", "/v1/services/{name}/policy/generate", generate);
}

}  // namespace loam::api
