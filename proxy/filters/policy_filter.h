#pragma once

#include "proxy/filter/connection_filter.h"
#include "proxy/filters/policy.h"
#include "proxy/filters/source_share.h"

namespace loam::filters {

/// A service's policy on connections, at one of its two stages. It is asked at the callee's side alone: a connection on
/// its way out (Vantage::Outbound) is admitted unasked, since the callee's proxy decides on it, and two ends that both
/// counted would count it twice.
class PolicyFilter final : public filter::ConnectionFilter {
 public:
  enum class Stage : std::uint8_t {
    Simulate,  ///< says what would be denied, and admits it
    Enforce,   ///< denies those whom the share has; of the others it says the same as Simulate
  };

  /// `enforced`: whom Enforce holds for.
  PolicyFilter(PolicySettings settings, Stage stage, SourceShare enforced);

  /// Tells `verdicts` of every connection that the policy denies, whether it was enforced or not.
  std::optional<filter::Denial> admit(const filter::ConnectionView& view, filter::VerdictSink& verdicts) const override;

 private:
  const PolicySettings settings_;
  const Stage stage_;
  const SourceShare enforced_;
};

}  // namespace loam::filters
