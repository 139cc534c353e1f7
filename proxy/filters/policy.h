#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/filters/form.h"
#include "proxy/filters/jwt.h"
#include "proxy/filters/match.h"

namespace loam::filters {

enum class PolicyAction : std::uint8_t { Allow, Deny };

/// One line of a policy: the first that fits decides.
struct PolicyRule {
  std::string name;
  PolicyAction action = PolicyAction::Allow;
  Match match;
  std::optional<JwtDemand> jwt;  ///< fits only with such a token

  bool needsExchange() const { return jwt || match.needsExchange(); }
  bool fitsAll() const { return !jwt && match.fitsAll(); }
  void describe(Form& form);
};

/// Who may call a service. Rules are asked in their order, then the default: a policy never denies by being there. A
/// connection is denied before it is dialled, an exchange with 403.
struct PolicySettings {
  PolicyAction byDefault = PolicyAction::Allow;  ///< (features.md 1.4: no implicit deny)
  std::vector<JwtIssuer> issuers;
  std::vector<PolicyRule> rules;
  /// Connections that the policy would no longer admit are closed after so long; none: they stay till they end
  /// (features.md 5: a change holds from the next connection on).
  std::optional<milliseconds> closeWithin;

  /// Whether any rule looks at exchanges: those need `serve`.
  bool actsOnExchanges() const;
  bool actsOnConnections() const;
  void describe(Form& form);
};

}  // namespace loam::filters
