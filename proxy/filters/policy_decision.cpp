#include "proxy/filters/policy_decision.h"

#include "proxy/filters/connection_match.h"

namespace loam::filters {

PolicyDecision decide(const filter::ConnectionView& view, const PolicySettings& settings) {
  const PolicyRule* mayAllow = nullptr;  // once an exchange was read
  PolicyDecision decision{settings.byDefault, kDefaultRule};
  for (const PolicyRule& rule : settings.rules) {
    if (!fitsConnection(rule.match, view)) continue;
    if (rule.needsExchange()) {
      if (mayAllow == nullptr && rule.action == PolicyAction::Allow) mayAllow = &rule;
      continue;
    }
    decision = {rule.action, rule.name};
    break;
  }
  if (decision.action == PolicyAction::Deny && mayAllow != nullptr) return {PolicyAction::Allow, mayAllow->name, true};
  return decision;
}

}  // namespace loam::filters
