#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "proxy/filters/policy.h"
#include "proxy/filters/policy_decision.h"
#include "shadow/record/calls.h"

namespace loam::features {

/// What a policy denies, or would deny, of one edge by one of its rules.
struct DeniedCalls {
  std::string caller;
  std::uint16_t port = 0;
  std::string rule;
  bool enforced = false;             ///< it was denied; else it is what would be
  bool captured = true;              ///< false: some of it is known from socket tables only
  std::uint64_t connections = 0;     ///< 0: only ones that were open before the window
  std::set<std::string> clients;     ///< addresses, networks of unknown peers among them
  std::set<std::string> identities;  ///< that were proven
  std::int64_t firstSeen = 0;        ///< unix seconds
  std::int64_t lastSeen = 0;

  bool operator==(const DeniedCalls&) const = default;
};

/// What a policy means for the connections of one window.
struct PolicyImpact {
  std::uint64_t connections = 0;      ///< asked about
  std::uint64_t denied = 0;           ///< of those, enforced or not
  std::uint64_t exchangeDecides = 0;  ///< of those: admitted for a rule that looks at exchanges
  std::vector<DeniedCalls> edges;     ///< by caller, port, rule

  bool operator==(const PolicyImpact&) const = default;
};

/// The very decide() of the proxies, asked about a recorded call. Of a network of unknown peers its first and its last
/// address are asked: it counts as denied when either is. Pure.
filters::PolicyDecision policyOn(const record::Call& call, const filters::PolicySettings& settings);

/// The same of every call.
PolicyImpact policyImpact(const std::vector<record::Call>& calls, const filters::PolicySettings& settings);

/// What the proxies counted of the policy, in the same form. `connections` stays 0: nobody counts what is admitted.
/// Pure.
PolicyImpact countedImpact(const std::vector<record::ServiceVerdict>& verdicts);

}  // namespace loam::features
