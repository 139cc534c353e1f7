#include "rollout/api/impact_routes.h"

#include <utility>

#include "proxy/base/json.h"
#include "proxy/base/nearest.h"
#include "rollout/api/graph_routes.h"
#include "rollout/api/grounds.h"
#include "rollout/api/impact_view.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/unknown_service.h"
#include "rollout/fleet/ground.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using features::Feature;
using http::Response;

constexpr const char* kWindow = "-7d";  // callers that come once a week count

template <class Named>
std::vector<std::string> namesOf(const Named& all) {
  std::vector<std::string> names;
  for (const auto& one : all) names.emplace_back(one.name);
  return names;
}

/// What the body asks about.
struct Asked {
  const features::Stage* stage = nullptr;
  Json::Value settings;  ///< canonical
  bool given = false;    ///< the settings were; else they are the flag's
};

/// The settings as the stage demands them; `problems` has what is wrong.
Json::Value settingsFor(const Feature& feature, const Asked& asked, const Json::Value& settings,
                        std::vector<FieldProblem>& problems) {
  std::vector<FieldProblem> wrong;
  Json::Value canonical = feature.settings(asked.stage->name, settings, wrong);
  for (const FieldProblem& one : wrong) {
    const char* const whose = asked.given ? "" : "the flag's own settings will not do, give others: ";
    problems.push_back({"/settings" + one.pointer, whose + one.detail});
  }
  return canonical;
}

Asked readAsked(const Feature& feature, const Json::Value& body, const flags::Flag& flag,
                std::vector<FieldProblem>& problems) {
  Fields fields(body, "", problems, {"settings", "stage"});
  const std::string wanted = fields.text("stage", 64).value_or(std::string(feature.ladder.back().name));
  Asked asked;
  asked.given = fields.has("settings");
  const auto rung = feature.rung(wanted);
  if (!rung) {
    fields.problem("stage", std::string(feature.name) + " has no stage " + inQuotes(wanted) +
                                didYouMean(wanted, namesOf(feature.ladder)));
    return asked;
  }
  asked.stage = &feature.ladder[*rung];
  asked.settings = settingsFor(feature, asked, asked.given ? fields.value("settings") : flag.settings, problems);
  return asked;
}

/// How what the record does not hold can be learned.
std::string nextOf(const Feature& feature, const std::string& service) {
  const std::string set = "loam flag set " + service + " " + std::string(feature.name) + " ";
  if (feature.rung("simulate")) return set + "simulate --settings FILE --reason '...'";
  return set + std::string(feature.ladder.back().name) + " --percent 1 --settings FILE --reason '...'";
}

Response answer(const record::Recorder& recorder, const Control& control, const Call& call, const fleet::Sight& sight) {
  const std::string& service = call.names.at("service");
  const std::string& named = call.names.at("feature");
  const Feature* const feature = features::find(named);
  if (feature == nullptr) {
    return problem(404, "not_found", "there is no feature \"" + named + "\"",
                   nearest(named, namesOf(features::registry())));
  }
  const std::int64_t now = unixSeconds(control.clock.wall());
  const QueryReader reader(call.request, now);
  if (const Status status = reader.expectOnly({"from", "to"}); !status) return problem(status.error());
  const auto window = reader.window("from", "to", kWindow);
  if (!window) return problem(window.error());
  const auto body = parseJson(call.request.body.empty() ? "{}" : call.request.body);
  if (!body) return problem(400, "invalid_argument", "the body is no JSON: " + body.error().context);
  auto traffic = recorder.traffic(*window, service, feature->asksMoments);
  if (!traffic) return unknownService(recorder, *window, service, traffic.error());
  const auto desired = control.flags.desired();
  const flags::Flag flag = desired->flag({traffic->calls.service, named});
  std::vector<FieldProblem> problems;
  const Asked asked = readAsked(*feature, *body, flag, problems);
  if (!problems.empty()) return problem(400, "invalid_argument", text(problems), problems);
  traffic->calls.header.sampled = sampledOf(*desired);
  const features::ReadGround ground = [&] {
    const auto around = recordAround(control, traffic->calls.service);
    return fleet::groundOf(flag, sight, around ? *around : graph::Graph{}, now);
  };
  const features::Impact impact =
      features::impactOf(*feature, *asked.stage, {asked.stage->name, asked.settings, flag.exclude, *traffic, ground});
  Json::Value value = view(impact);
  value["service"] = traffic->calls.service;
  value["feature"] = named;
  value["stage"] = std::string(asked.stage->name);
  value["now"] = flag.stage;
  value["settings"] = asked.settings;
  value["source"] = asked.given ? "given" : "flag";
  value["header"] = graph::toJson(traffic->calls.header);
  value["record"] = recordView(traffic->calls.header);
  if (!impact.unknown.empty()) value["next"] = nextOf(*feature, traffic->calls.service);
  return ok(value);
}

}  // namespace

void addImpactRoutes(Router& router, const record::Recorder& recorder, const Control& control) {
  // A question with a body: it changes nothing, and so is a viewer's.
  router.add(Access::Viewer, "POST", "/v1/services/{service}/impact/{feature}", [&recorder, control](const Call& call) {
    return control.reader.run(
        [&recorder, control, call, sight = control.fleet.sight()] { return answer(recorder, control, call, sight); });
  });
}

}  // namespace loam::api
