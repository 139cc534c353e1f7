#include "proxy/filters/policy.h"

#include <algorithm>

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<PolicyAction> actions() {
  return oneOf<PolicyAction>({{"allow", PolicyAction::Allow}, {"deny", PolicyAction::Deny}});
}

}  // namespace

void PolicyRule::describe(Form& form) {
  form.word("name", name, ruleName());
  form.word("action", action, actions());
  form.object("match", match);
  form.object("jwt", jwt);
  form.require("name");
  form.require("action");
}

bool PolicySettings::actsOnExchanges() const {
  return std::any_of(rules.begin(), rules.end(), [](const PolicyRule& rule) { return rule.needsExchange(); });
}

bool PolicySettings::actsOnConnections() const {
  return byDefault == PolicyAction::Deny ||
         std::any_of(rules.begin(), rules.end(), [](const PolicyRule& rule) { return !rule.needsExchange(); });
}

void PolicySettings::describe(Form& form) {
  form.word("default", byDefault, actions());
  form.objects("issuers", issuers, 16);
  form.objects("rules", rules, 1000);
  form.duration("close_within", closeWithin, seconds(0), std::chrono::days(30));
  form.distinct("issuers", issuers, "name", &JwtIssuer::name);
  form.distinct("rules", rules, "name", &PolicyRule::name);
  checkReached(form, "rules", rules);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].jwt || rules[i].jwt->issuer.empty()) continue;
    const std::string& wanted = rules[i].jwt->issuer;
    const bool known =
        std::any_of(issuers.begin(), issuers.end(), [&](const JwtIssuer& one) { return one.name == wanted; });
    form.check(known, {"rules/" + std::to_string(i) + "/jwt/issuer"}, "no issuer has the name " + inQuotes(wanted));
  }
  const bool denies = byDefault == PolicyAction::Deny || std::any_of(rules.begin(), rules.end(), [](const auto& rule) {
                        return rule.action == PolicyAction::Deny;
                      });
  form.checkInUse(denies, {"rules", "default"},
                  "neither a rule nor the default denies anything: the policy has no effect");
}

}  // namespace loam::filters
