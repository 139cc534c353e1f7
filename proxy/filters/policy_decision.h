#pragma once

#include <string_view>

#include "proxy/filter/connection_view.h"
#include "proxy/filters/policy.h"

namespace loam::filters {

constexpr std::string_view kPolicyFeature = "policy";
/// What stands for the policy's default in the place of a rule's name.
constexpr std::string_view kDefaultRule = "default";

/// What a policy says of one connection.
struct PolicyDecision {
  PolicyAction action = PolicyAction::Allow;
  std::string_view rule;  ///< that decided, kDefaultRule where none fits; lives as long as the settings
  /// The connection is admitted because `rule` may allow exchanges on it: those are asked once they are read.
  bool exchangeDecides = false;

  bool operator==(const PolicyDecision&) const = default;
};

/// Asks the rules in their order, then the default. Pure: the proxy (simulated or enforced) and the record ask this
/// same question.
///
/// Rules that need an exchange are left out here, since no exchange was read yet. A `deny` among them denies no
/// connection. An `allow` among them, whose sources and ports fit, keeps whatever comes behind it from denying the
/// connection, a rule as well as the default: a connection that is denied could carry none of the exchanges that the
/// rule allows. Such a connection is admitted, and its exchanges are decided one by one by who serves them.
PolicyDecision decide(const filter::ConnectionView& view, const PolicySettings& settings);

}  // namespace loam::filters
