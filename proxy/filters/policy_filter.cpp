#include "proxy/filters/policy_filter.h"

#include <utility>

#include "proxy/filters/policy_decision.h"
#include "proxy/filters/settings.h"

namespace loam::filters {

Result<std::unique_ptr<const PolicyFilter>> PolicyFilter::make(std::string_view stage, SourceShare enforced,
                                                               const Json::Value& settings) {
  std::vector<FieldProblem> problems;
  // That they are in use was the controller's to judge: here they are only to be understood.
  auto read = filters::read<PolicySettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  if (!read.actsOnConnections()) return nullptr;
  const Stage as = stage == "enforce" ? Stage::Enforce : Stage::Simulate;
  return std::make_unique<const PolicyFilter>(std::move(read), as, std::move(enforced));
}

PolicyFilter::PolicyFilter(PolicySettings settings, Stage stage, SourceShare enforced)
    : settings_(std::move(settings)), stage_(stage), enforced_(std::move(enforced)) {}

/// Whether it is enforced for this caller.
bool PolicyFilter::isEnforcedFor(const filter::ConnectionView& view) const {
  return stage_ == Stage::Enforce && enforced_.has(view.caller, view.client.ip);
}

std::optional<filter::Notice> PolicyFilter::notice(const filter::ConnectionView& view) const {
  if (!settings_.closeWithin || !isEnforcedFor(view)) return std::nullopt;
  const PolicyDecision decision = decide(view, settings_);
  if (decision.action == PolicyAction::Allow) return std::nullopt;
  return filter::Notice{{std::string(kPolicyFeature), std::string(decision.rule)}, *settings_.closeWithin};
}

std::optional<filter::Denial> PolicyFilter::admit(const filter::ConnectionView& view, filter::VerdictSink& verdicts,
                                                  filter::Holds&) const {
  const PolicyDecision decision = decide(view, settings_);
  if (decision.action == PolicyAction::Allow) return std::nullopt;
  const bool denies = isEnforcedFor(view);
  verdicts.onDenied(view, {.feature = kPolicyFeature, .rule = decision.rule, .enforced = denies});
  if (!denies) return std::nullopt;
  return filter::Denial{std::string(kPolicyFeature), std::string(decision.rule)};
}

}  // namespace loam::filters
