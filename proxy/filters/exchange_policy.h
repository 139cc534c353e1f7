#pragma once

#include <json/value.h>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/policy.h"
#include "proxy/filters/policy_decision.h"
#include "proxy/filters/source_share.h"

namespace loam::filters {

/// What a policy says of one exchange: the first rule that fits it, then the default. Pure; rules that ask for a token
/// fit nothing, since nobody reads tokens yet (such settings are not given to this proxy).
PolicyDecision decide(const filter::Exchange& exchange, const PolicySettings& settings);

/// A service's policy on exchanges, behind its policy on connections (PolicyFilter): what that one denies is not asked
/// about again. Where a rule looks at paths, requests go on under the path that was compared, and those whose path has
/// no one form get 400 (C1), and a verdict under kPathRule.
class ExchangePolicy final : public filter::HttpFilter {
 public:
  enum class Stage : std::uint8_t { Simulate, Enforce };
  /// In the place of a rule's name, and none.
  static constexpr std::string_view kPathRule = "(path)";

  /// As a snapshot says it; null where none of its rules acts on exchanges. InvalidArgument names what cannot be read.
  static Result<std::unique_ptr<const ExchangePolicy>> make(std::string_view stage, SourceShare enforced,
                                                            const Json::Value& settings);

  ExchangePolicy(PolicySettings settings, Stage stage, SourceShare enforced);

  /// Tells the exchange's verdicts of each that the policy denies, whether it was enforced or not.
  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;
  bool simulate(filter::Exchange& exchange) const override;

 private:
  bool isEnforcedFor(const filter::Exchange& exchange) const;
  /// The rule that denies it, kPathRule where its path has no one form; nothing where it may pass. Tells its verdicts.
  /// `acts`: it is enforced, so that the exchange goes on under the path that was compared.
  std::optional<std::string_view> denies(filter::Exchange& exchange, bool acts) const;

  const PolicySettings settings_;
  const Stage stage_;
  const SourceShare enforced_;
  const bool looksAtPaths_;
};

}  // namespace loam::filters
