#pragma once

#include <json/value.h>

#include <memory>

#include "proxy/base/result.h"
#include "proxy/filter/connection_filter.h"
#include "proxy/filters/policy.h"
#include "proxy/filters/source_share.h"

namespace loam::filters {

/// A service's policy on connections, at one of its two stages. It is asked at the callee's side alone, since two ends
/// that both counted would count twice: what goes out of the host is not asked about, what goes to a service of the
/// same host is.
class PolicyFilter final : public filter::ConnectionFilter {
 public:
  enum class Stage : std::uint8_t {
    Simulate,  ///< says what would be denied, and admits it
    Enforce,   ///< denies those whom the share has; of the others it says the same as Simulate
  };

  /// As a snapshot says it; null where none of its rules acts on connections. InvalidArgument names what cannot be read
  /// of the settings.
  static Result<std::unique_ptr<const PolicyFilter>> make(std::string_view stage, SourceShare enforced,
                                                          const Json::Value& settings);

  /// `enforced`: whom Enforce holds for.
  PolicyFilter(PolicySettings settings, Stage stage, SourceShare enforced);

  /// Tells `verdicts` of every connection that the policy denies, whether it was enforced or not.
  std::optional<filter::Denial> admit(const filter::ConnectionView& view, filter::VerdictSink& verdicts,
                                      filter::Holds& holds) const override;
  /// Of one that it denies, where the settings say `close_within`.
  std::optional<filter::Notice> notice(const filter::ConnectionView& view) const override;

 private:
  bool isEnforcedFor(const filter::ConnectionView& view) const;

  const PolicySettings settings_;
  const Stage stage_;
  const SourceShare enforced_;
};

}  // namespace loam::filters
