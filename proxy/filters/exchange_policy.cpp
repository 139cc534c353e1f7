#include "proxy/filters/exchange_policy.h"

#include <algorithm>
#include <utility>

#include "proxy/filters/exchange_match.h"
#include "proxy/filters/settings.h"
#include "proxy/http/path_form.h"

namespace loam::filters {

namespace {

using filter::Response;

/// In place of the exchange's own target, the one whose path has the form that is compared: `target`, empty where they
/// are the same. False: it has no such form.
bool unifyPath(std::string_view whole, std::string& target) {
  const http::TargetParts parts = http::partsOf(whole);
  std::string changed;
  const auto canonical = http::canonicalPath(parts.path, changed);
  if (!canonical) return false;
  if (*canonical == parts.path) return true;
  const std::size_t at = static_cast<std::size_t>(parts.path.data() - whole.data());
  target = std::string(whole.substr(0, at)).append(*canonical).append(whole.substr(at + parts.path.size()));
  return true;
}

}  // namespace

PolicyDecision decide(const filter::Exchange& exchange, const PolicySettings& settings) {
  const auto rule = std::find_if(settings.rules.begin(), settings.rules.end(),
                                 [&](const PolicyRule& one) { return !one.jwt && fits(one.match, exchange); });
  if (rule == settings.rules.end()) return {settings.byDefault, kDefaultRule};
  return {rule->action, rule->name};
}

Result<std::unique_ptr<const ExchangePolicy>> ExchangePolicy::make(std::string_view stage, SourceShare enforced,
                                                                   const Json::Value& settings) {
  std::vector<FieldProblem> problems;
  auto typed = filters::read<PolicySettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  if (!typed.actsOnExchanges()) return nullptr;
  const Stage as = stage == "enforce" ? Stage::Enforce : Stage::Simulate;
  return std::make_unique<const ExchangePolicy>(std::move(typed), as, std::move(enforced));
}

ExchangePolicy::ExchangePolicy(PolicySettings settings, Stage stage, SourceShare enforced)
    : settings_(std::move(settings)),
      stage_(stage),
      enforced_(std::move(enforced)),
      looksAtPaths_(std::any_of(settings_.rules.begin(), settings_.rules.end(),
                                [](const PolicyRule& rule) { return !rule.match.paths.empty(); })) {}

bool ExchangePolicy::isEnforcedFor(const filter::Exchange& exchange) const {
  const filter::ConnectionView& connection = exchange.connection;
  return stage_ == Stage::Enforce && enforced_.has(connection.caller, connection.client.ip);
}

std::optional<std::string_view> ExchangePolicy::denies(filter::Exchange& exchange, bool acts) const {
  const filter::ConnectionView& connection = exchange.connection;
  if (decide(connection, settings_).action == PolicyAction::Deny) return std::nullopt;  // counted there
  std::string target;
  std::optional<std::string_view> rule;
  if (looksAtPaths_ && !unifyPath(exchange.view.path, target)) {
    rule = kPathRule;
  } else if (const PolicyDecision decision = decide(exchange, settings_); decision.action == PolicyAction::Deny) {
    rule = decision.rule;
  }
  if (acts && !target.empty()) exchange.target = std::move(target);
  if (rule) exchange.verdicts.onDenied(connection, {.feature = kPolicyFeature, .rule = *rule, .enforced = acts});
  return rule;
}

io::Task<Result<Response>> ExchangePolicy::handle(filter::Exchange& exchange, filter::Next next) const {
  const bool enforces = isEnforcedFor(exchange);
  const auto rule = denies(exchange, enforces);
  if (!rule || !enforces) return next(exchange);
  if (*rule == kPathRule) {
    return filter::answered(
        {.status = 400, .cause = "policy:path", .body = "the path of this request can be read in two ways\n"});
  }
  exchange.tally.denied.add();
  return filter::answered({.status = 403,
                           .cause = "policy:" + std::string(*rule),
                           .body = "the policy of this service does not admit this request\n"});
}

bool ExchangePolicy::simulate(filter::Exchange& exchange) const {
  return !denies(exchange, false) || !isEnforcedFor(exchange);
}

}  // namespace loam::filters
