#include "rollout/fleet/explanation.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "proxy/filters/mtls_gate.h"
#include "proxy/filters/policy_filter.h"
#include "proxy/filters/rate_limit.h"
#include "proxy/filters/settings.h"
#include "proxy/wire/sources.h"
#include "rollout/features/feature.h"

namespace loam::fleet {

namespace {

using Filter = std::unique_ptr<const filter::ConnectionFilter>;

/// As proxies ask them.
constexpr std::array<std::string_view, 3> kOrder{"mtls", "policy", "rate_limit"};

/// Keeps the rule that was told.
class LastRule final : public filter::VerdictSink {
 public:
  void onDenied(const filter::ConnectionView&, const filter::Verdict& verdict) override { rule = verdict.rule; }
  std::string rule;
};

filters::SourceShare shareOf(const wire::FeatureConfig& config) {
  return {.share = config.share, .salt = config.salt, .include = config.include, .exclude = config.exclude};
}

/// Null where the feature has none at this stage.
Result<Filter> filterOf(const wire::FeatureConfig& config) {
  if (config.feature == "policy") {
    auto policy = filters::PolicyFilter::make(config.stage, shareOf(config), config.settings);
    if (!policy) return fail(std::move(policy).error());
    return Filter(*std::move(policy));
  }
  auto gate = filters::MtlsGate::make(config.stage, shareOf(config), config.settings);
  if (!gate) return fail(std::move(gate).error());
  return Filter(std::make_unique<const filters::MtlsFilter>(*std::move(gate)));
}

/// Settings that cannot be read cap none: no proxy takes them.
bool capsConnections(const wire::FeatureConfig& config) {
  std::vector<FieldProblem> unseen;
  const auto settings = filters::read<filters::RateLimitSettings>(config.settings, unseen, filters::Purpose::Keep);
  return settings.actsOnConnections();
}

Result<Fate> fateBy(const wire::FeatureConfig& config, const filter::ConnectionView& view, std::string& rule) {
  if (config.stage == "off") return Fate::Admitted;
  if (config.feature == "rate_limit") return capsConnections(config) ? Fate::Depends : Fate::Admitted;
  const auto filter = filterOf(config);
  if (!filter) return fail(filter.error());
  if (!*filter) return Fate::Admitted;
  LastRule told;
  filter::Holds holds;
  const bool denied = (*filter)->admit(view, told, holds).has_value();
  rule = told.rule;
  return denied ? Fate::Denied : told.rule.empty() ? Fate::Admitted : Fate::WouldBeDenied;
}

Result<FeatureWord> wordOf(const wire::FeatureConfig& config, const filter::ConnectionView& view) {
  FeatureWord word;
  word.feature = config.feature;
  word.stage = config.stage;
  const features::Feature* const feature = features::find(config.feature);
  const auto rung = feature == nullptr ? std::nullopt : feature->rung(config.stage);
  if (!rung || *rung == 0) return word;
  const features::Unit unit = feature->ladder[*rung].unit;
  const bool bySource = unit == features::Unit::Source || unit == features::Unit::SourceIdentity;
  word.isIn = !bySource || shareOf(config).has(view.caller, view.client.ip);
  auto now = fateBy(config, view, word.rule);
  if (!now) return fail(std::move(now).error());
  word.fate = *now;
  wire::FeatureConfig below = config;
  below.stage = feature->ladder[*rung - 1].name;
  below.share = filters::SourceShare::kWhole;
  below.include.clear();
  below.exclude.clear();
  std::string unused;
  auto earlier = fateBy(below, view, unused);
  if (!earlier) return fail(std::move(earlier).error());
  word.earlier = below.stage;
  word.fateEarlier = *earlier;
  return word;
}

}  // namespace

std::string_view text(Fate fate) {
  switch (fate) {
    case Fate::Admitted:
      return "admitted";
    case Fate::WouldBeDenied:
      return "would_be_denied";
    case Fate::Denied:
      return "denied";
    case Fate::Depends:
      return "depends";
  }
  return "";
}

const FeatureWord* Explanation::cause() const {
  const auto found =
      std::find_if(words.begin(), words.end(), [](const FeatureWord& word) { return word.fate == Fate::Denied; });
  return found == words.end() ? nullptr : &*found;
}

Fate Explanation::fate() const {
  if (cause() != nullptr) return Fate::Denied;
  const auto is = [this](Fate fate) {
    return std::any_of(words.begin(), words.end(), [fate](const FeatureWord& word) { return word.fate == fate; });
  };
  if (is(Fate::Depends)) return Fate::Depends;
  return is(Fate::WouldBeDenied) ? Fate::WouldBeDenied : Fate::Admitted;
}

Result<Explanation> explain(const wire::ServiceConfig& service, const Attempt& attempt) {
  const auto callers = wire::callersOf(service);
  const auto caller = callers.find(attempt.client);
  Explanation explanation;
  if (caller != callers.end()) explanation.caller = caller->second;
  const filter::ConnectionView view{.client = {attempt.client, 0},
                                    .destination = attempt.destination,
                                    .vantage = relay::Vantage::Inbound,
                                    .caller = explanation.caller,
                                    .isLocal = attempt.client == attempt.destination.ip || attempt.client.isLoopback(),
                                    .identity = attempt.identity};
  for (const std::string_view name : kOrder) {
    for (const wire::FeatureConfig& config : service.features) {
      if (config.feature != name) continue;
      auto word = wordOf(config, view);
      if (!word) return fail(std::move(word).error());
      explanation.words.push_back(*std::move(word));
    }
  }
  return explanation;
}

}  // namespace loam::fleet
