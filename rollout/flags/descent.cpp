#include "rollout/flags/descent.h"

#include <algorithm>
#include <limits>

#include "proxy/base/fields.h"
#include "rollout/features/feature.h"

namespace loam::flags {

namespace {

/// Told of the rung, a proxy does what it does at the end of the way: the step would say nothing.
bool isThere(const Flag& step, const Flag& to) {
  return step.stage == to.stage && to.share == kWhole && to.exclude.empty() && step.settings == to.settings;
}

}  // namespace

Json::Value toJson(const Descent& descent) {
  Json::Value out(Json::objectValue);
  out["from"] = toJson(descent.from);
  out["at"] = Json::Int64(descent.at);
  return out;
}

Result<Descent> readDescent(const audit::Document& document) {
  std::vector<FieldProblem> problems;
  Fields fields(document.body, "", problems, {"from", "at"});
  fields.require("from");
  fields.require("at");
  Descent descent;
  descent.at = fields.integer("at", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  auto from = fromDocument({std::string(kFlagKind), document.key, 0, fields.value("from")});
  if (!from) return fail(std::move(from).error());
  descent.from = *std::move(from);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, "descent " + document.key + ": " + text(problems));
  return descent;
}

std::vector<Flag> stepsDown(const Flag& from, const Flag& to) {
  std::vector<Flag> steps;
  const features::Feature* feature = features::find(from.cell.feature);
  if (feature == nullptr || !feature->stepwise) return steps;
  const std::size_t top = feature->rung(from.stage).value_or(0);
  const std::size_t end = std::max<std::size_t>(feature->rung(to.stage).value_or(0), 1);
  for (std::size_t rung = top; rung > end;) {
    const features::Stage& stage = feature->ladder[--rung];
    if (stage.beside) continue;  // nobody depends on it
    Flag step = from;
    step.stage = stage.name;
    step.share = kWhole;
    step.include.clear();
    step.exclude.clear();
    step.revision = std::max<std::uint64_t>(to.revision, 1);
    if (!isThere(step, to)) steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace loam::flags
