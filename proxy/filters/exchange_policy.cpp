#include "proxy/filters/exchange_policy.h"

#include <algorithm>
#include <utility>

#include "proxy/filters/exchange_match.h"
#include "proxy/filters/settings.h"
#include "proxy/http/path_form.h"

namespace loam::filters {

namespace {

using filter::Response;

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

io::Task<Result<Response>> ExchangePolicy::handle(filter::Exchange& exchange, filter::Next next) const {
  const filter::ConnectionView& connection = exchange.connection;
  if (decide(connection, settings_).action == PolicyAction::Deny) return next(exchange);  // counted there
  const bool enforces = stage_ == Stage::Enforce && enforced_.has(connection.caller, connection.client.ip);
  if (enforces && looksAtPaths_ && !unifyPath(exchange)) {
    return filter::answered(
        {.status = 400, .cause = "policy:path", .body = "the path of this request can be read in two ways\n"});
  }
  const PolicyDecision decision = decide(exchange, settings_);
  if (decision.action == PolicyAction::Allow) return next(exchange);
  exchange.verdicts.onDenied(connection, {.feature = kPolicyFeature, .rule = decision.rule, .enforced = enforces});
  if (!enforces) return next(exchange);
  exchange.tally.denied.add();
  return filter::answered({.status = 403,
                           .cause = "policy:" + std::string(decision.rule),
                           .body = "the policy of this service does not admit this request\n"});
}

bool ExchangePolicy::unifyPath(filter::Exchange& exchange) const {
  const http::TargetParts parts = http::partsOf(exchange.view.path);
  std::string changed;
  const auto canonical = http::canonicalPath(parts.path, changed);
  if (!canonical) return false;
  if (*canonical == parts.path) return true;
  const std::string_view whole = exchange.view.path;
  const std::size_t at = static_cast<std::size_t>(parts.path.data() - whole.data());
  exchange.target = std::string(whole.substr(0, at)).append(*canonical).append(whole.substr(at + parts.path.size()));
  return true;
}

}  // namespace loam::filters
