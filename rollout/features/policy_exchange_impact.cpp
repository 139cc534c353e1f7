#include <algorithm>

#include "rollout/features/impact.h"
#include "rollout/features/parts.h"
#include "rollout/features/policy_impact.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::PolicyAction;
using filters::PolicyRule;
using filters::PolicySettings;

/// What the rules may say of some exchanges: one of these, in their order.
struct Outcomes {
  std::vector<std::string> denying;
  bool mayAllow = false;

  void add(PolicyAction action, std::string_view rule) {
    if (action == PolicyAction::Allow) mayAllow = true;
    if (action == PolicyAction::Deny) denying.emplace_back(rule);
  }
  std::string rules() const {
    std::string text;
    for (const std::string& rule : denying) text.append(text.empty() ? "" : " or ").append(rule);
    return text;
  }
};

Fits fitsRule(const PolicyRule& rule, const record::Call& call, const RecordedRoute& route) {
  const Fits fits = fitsRoute(rule.match, call, route);
  return rule.jwt ? std::min(fits, Fits::Maybe) : fits;
}

Outcomes outcomesOf(const PolicySettings& settings, const record::Call& call, const RecordedRoute& route) {
  Outcomes outcomes;
  for (const PolicyRule& rule : settings.rules) {
    const Fits fits = fitsRule(rule, call, route);
    if (fits == Fits::No) continue;
    outcomes.add(rule.action, rule.name);
    if (fits == Fits::Yes) return outcomes;
  }
  outcomes.add(settings.byDefault, filters::kDefaultRule);
  return outcomes;
}

/// What is admitted as a connection and decided on exchange by exchange.
void addExchanges(const PolicySettings& settings, const record::Usage& usage, Tables& tables) {
  const std::string& caller = usage.call.caller;
  tables.saw(caller, Counted::Exchanges, usage.tally.counts.requests);
  if (policyOn(usage.call, settings).action == PolicyAction::Deny) return;  // counted as connections
  for (const RecordedRoute& route : routesOf(usage)) {
    const Outcomes outcomes = outcomesOf(settings, usage.call, route);
    if (outcomes.denying.empty()) continue;
    const std::uint64_t count = route.counts.requests;
    const std::string why = outcomes.mayAllow ? "what the rule asks for is not in the record" : "";
    tables.affects(caller, Counted::Exchanges, outcomes.rules(),
                   outcomes.mayAllow ? Bounds::upTo(count) : Bounds::exactly(count), why);
  }
}

void tellUntold(const PolicySettings& settings, Tables& tables) {
  for (const PolicyRule& rule : settings.rules) {
    std::string why = untold(rule.match);
    if (rule.jwt) why.append(why.empty() ? "it keeps no tokens" : ", nor tokens");
    if (!why.empty()) tables.cannotTell("rule " + rule.name, std::move(why));
  }
}

}  // namespace

Impact policyImpactOn(const Question& question) {
  const auto settings = typed<PolicySettings>(question.settings);
  const record::Traffic& traffic = question.traffic;
  Tables tables;
  for (const record::Call& call : traffic.calls.calls) tables.saw(call.caller, Counted::Connections, call.connections);
  for (const DeniedCalls& edge : policyImpact(traffic.calls.calls, settings).edges) {
    tables.affects(edge.caller, Counted::Connections, edge.rule, Bounds::exactly(edge.connections),
                   "port " + std::to_string(edge.port));
  }
  bool relaysSome = false;
  if (settings.actsOnExchanges()) {
    for (const record::Usage& usage : traffic.usages) {
      if (isServed(usage.protocol)) addExchanges(settings, usage, tables);
      relaysSome = relaysSome || (!isServed(usage.protocol) && usage.tally.counts.requests != 0);
    }
    tellUntold(settings, tables);
  }
  Impact impact = std::move(tables).finish();
  if (relaysSome) impact.notes.emplace_back("rules on exchanges look at HTTP/1 alone: what else was seen is relayed");
  return impact;
}

}  // namespace loam::features
