#include "rollout/features/policy_impact.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::PolicyAction;
using filters::PolicyDecision;

std::string clientText(const record::Call& call) {
  if (call.prefix == 128) return call.client.text();
  return call.client.text() + "/" + std::to_string(call.client.isV4() ? call.prefix - 96 : call.prefix);
}

/// Adds up by edge and rule.
class Edges {
 public:
  DeniedCalls& at(const std::string& caller, std::uint16_t port, std::string_view rule, bool enforced,
                  std::int64_t first, std::int64_t last) {
    const auto [at, fresh] = edges_.try_emplace({caller, port, std::string(rule), enforced});
    DeniedCalls& edge = at->second;
    if (fresh) {
      std::tie(edge.caller, edge.port, edge.rule, edge.enforced) = at->first;
      edge.firstSeen = first;
    }
    edge.firstSeen = std::min(edge.firstSeen, first);
    edge.lastSeen = std::max(edge.lastSeen, last);
    return edge;
  }
  std::vector<DeniedCalls> finish() && {
    std::vector<DeniedCalls> out;
    for (auto& [key, edge] : edges_) out.push_back(std::move(edge));
    return out;
  }

 private:
  std::map<std::tuple<std::string, std::uint16_t, std::string, bool>, DeniedCalls> edges_;
};

}  // namespace

filters::PolicyDecision policyOn(const record::Call& call, const filters::PolicySettings& settings) {
  filter::ConnectionView view = viewOf(call);
  const PolicyDecision first = decide(view, settings);
  if (call.prefix == 128 || first.action == PolicyAction::Deny) return first;
  view.client.ip = lastOf(call);
  return decide(view, settings);
}

PolicyImpact policyImpact(const std::vector<record::Call>& calls, const filters::PolicySettings& settings) {
  PolicyImpact impact;
  Edges edges;
  for (const record::Call& call : calls) {
    impact.connections += call.connections;
    const PolicyDecision decision = policyOn(call, settings);
    if (decision.exchangeDecides) impact.exchangeDecides += call.connections;
    if (decision.action == PolicyAction::Allow) continue;
    impact.denied += call.connections;
    DeniedCalls& edge =
        edges.at(call.caller, call.destination.port, decision.rule, false, call.firstSeen, call.lastSeen);
    edge.connections += call.connections;
    edge.captured = edge.captured && call.captured;
    edge.clients.insert(clientText(call));
    if (!call.identity.empty()) edge.identities.insert(call.identity);
  }
  impact.edges = std::move(edges).finish();
  return impact;
}

PolicyImpact countedImpact(const std::vector<record::ServiceVerdict>& verdicts) {
  PolicyImpact impact;
  Edges edges;
  for (const auto& [caller, sum] : verdicts) {
    if (sum.feature != "policy") continue;
    impact.denied += sum.count;
    DeniedCalls& edge = edges.at(caller, sum.destination.port, sum.rule, sum.enforced, sum.from, sum.to);
    edge.connections += sum.count;
    edge.clients.insert(sum.client.text());
    if (!sum.identity.empty()) edge.identities.insert(sum.identity);
  }
  impact.edges = std::move(edges).finish();
  return impact;
}

}  // namespace loam::features
