#pragma once

#include <string>
#include <vector>

#include "proxy/http/message.h"
#include "rollout/changes/changes.h"

namespace loam::api {

/// What a change meets that is not applied: 404, 409, 412 or 422, with every problem, and the change as it stands now,
/// so that nobody has to ask again to see why.
http::Response refusal(const changes::Refused& refused, const std::string& id);

/// Everything that stands against an edit, its unmet needs included; `place` is the edit's own pointer.
std::vector<FieldProblem> problemsOf(const changes::Judgement& judgement, const std::string& place);

}  // namespace loam::api
