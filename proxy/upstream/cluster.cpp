#include "proxy/upstream/cluster.h"

#include <algorithm>
#include <utility>

namespace loam::upstream {

namespace {

/// Whether they are checked is said once.
ClusterTerms agreeing(ClusterTerms terms) {
  terms.balancer.heedsHealth = terms.health.has_value();
  return terms;
}

std::vector<std::shared_ptr<EndpointState>> statesOf(const std::vector<Member>& members) {
  std::vector<std::shared_ptr<EndpointState>> states;
  states.reserve(members.size());
  for (const Member& member : members) states.push_back(member.state);
  return states;
}

}  // namespace

Cluster::Cluster(const std::string& service, ClusterTerms terms, std::vector<Endpoint> endpoints,
                 EndpointStates& states, Dice& dice, Monotonic now)
    : terms_(agreeing(std::move(terms))),
      service_(states.ofService(service)),
      caps_(terms_.caps, service_, terms_.capsSimulated) {
  if (terms_.budget) budget_.emplace(*terms_.budget, service_);
  std::vector<Member> members;
  for (Endpoint& endpoint : endpoints) {
    auto state = states.of(service, endpoint.address, now);
    members.push_back({std::move(endpoint), std::move(state)});
  }
  std::shared_ptr<const Ejection> ejection;
  if (terms_.ejection) {
    ejection =
        std::make_shared<const Ejection>(*terms_.ejection, service_, statesOf(members), terms_.balancer.heedsHealth);
  }
  for (const SubsetTerms& subset : terms_.subsets) {
    if (this->subset(subset.labels) != nullptr) continue;
    std::vector<Member> chosen;
    std::copy_if(members.begin(), members.end(), std::back_inserter(chosen),
                 [&](const Member& member) { return carries(member.endpoint.labels, subset.labels); });
    BalancerTerms own = terms_.balancer;
    own.algorithm = subset.algorithm.value_or(own.algorithm);
    subsets_.emplace_back(
        subset.labels, std::make_unique<const Balancer>(std::move(own), std::move(chosen), service_, ejection, dice));
  }
  all_ = std::make_unique<const Balancer>(terms_.balancer, std::move(members), service_, ejection, dice);
}

const Balancer* Cluster::subset(const Labels& labels) const {
  const auto found =
      std::find_if(subsets_.begin(), subsets_.end(), [&](const auto& subset) { return subset.first == labels; });
  return found == subsets_.end() ? nullptr : found->second.get();
}

}  // namespace loam::upstream
