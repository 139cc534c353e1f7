#include "rollout/api/refusal.h"

#include "rollout/api/control.h"
#include "rollout/api/flag_view.h"
#include "rollout/api/problem.h"

namespace loam::api {

using changes::Refused;

std::vector<FieldProblem> problemsOf(const changes::Judgement& judgement, const std::string& place) {
  std::vector<FieldProblem> problems;
  for (const FieldProblem& one : judgement.problems) problems.push_back({place + one.pointer, one.detail});
  for (const changes::NeedState& need : judgement.needs) {
    if (need.met || !judgement.rises) continue;
    problems.push_back({place, std::string(need.need.feature) + " has to be " + std::string(need.need.stage) +
                                   (need.need.whole ? " at 100 %" : "") + " first, and is " + need.found + ": " +
                                   std::string(need.need.why)});
  }
  for (const features::Check& check : judgement.checks) {
    if (check.passed || judgement.riskAccepted) continue;
    problems.push_back({place, check.name + ": " + check.found});
  }
  return problems;
}

http::Response refusal(const Refused& refused, const std::string& id) {
  switch (refused.why) {
    case Refused::Why::Unknown:
      return problem(404, "not_found", "there is no change " + id);
    case Refused::Why::Closed:
      return problem(409, "closed", "change " + id + " is " + std::string(changes::name(refused.change.state)));
    default:
      break;
  }
  std::vector<FieldProblem> problems;
  for (std::size_t i = 0; i < refused.preview.judgements.size(); ++i) {
    const auto more = problemsOf(refused.preview.judgements[i], "/edits/" + std::to_string(i));
    problems.insert(problems.end(), more.begin(), more.end());
  }
  struct Form {
    int status;
    const char* detail;
  };
  Form form{422, "the change cannot be applied"};
  if (refused.why == Refused::Why::Stale) form = {412, "flags changed since it was proposed"};
  if (refused.why == Refused::Why::Unseen) form = {412, "the hash is not of this change: look at its preview again"};
  if (refused.why == Refused::Why::NotReady) form = {422, "what it needs is not there yet"};
  http::Response response = problem(form.status, changes::name(refused.why), form.detail, problems);
  return withMember(std::move(response), "change", view(refused.change, refused.preview));
}

}  // namespace loam::api
