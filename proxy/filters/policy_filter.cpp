#include "proxy/filters/policy_filter.h"

#include <utility>

#include "proxy/filters/policy_decision.h"

namespace loam::filters {

namespace {
constexpr std::string_view kFeature = "policy";
}  // namespace

PolicyFilter::PolicyFilter(PolicySettings settings, Stage stage, SourceShare enforced)
    : settings_(std::move(settings)), stage_(stage), enforced_(std::move(enforced)) {}

std::optional<filter::Denial> PolicyFilter::admit(const filter::ConnectionView& view,
                                                  filter::VerdictSink& verdicts) const {
  if (view.vantage == relay::Vantage::Outbound) return std::nullopt;
  const PolicyDecision decision = decide(view, settings_);
  if (decision.action == PolicyAction::Allow) return std::nullopt;
  const bool denies = stage_ == Stage::Enforce && enforced_.has(view.caller, view.client.ip);
  verdicts.onDenied(view, {.feature = kFeature, .rule = decision.rule, .enforced = denies});
  if (!denies) return std::nullopt;
  return filter::Denial{std::string(kFeature), std::string(decision.rule)};
}

}  // namespace loam::filters
