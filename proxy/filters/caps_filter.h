#pragma once

#include <json/value.h>

#include <memory>
#include <string_view>

#include "proxy/base/result.h"
#include "proxy/filter/connection_filter.h"
#include "proxy/filters/connection_counts.h"
#include "proxy/filters/rate_limit.h"
#include "proxy/filters/source_share.h"

namespace loam::filters {

/// Caps on a service's connections, at one of the two stages of its `rate_limit`: how many are open at once, in all and
/// from one client address, and how fast one address may open new ones. Counted over all workers of the proxy. Asked at
/// the callee's side, after whatever else may deny a connection.
///
/// What would be denied is not counted as open: simulated or not, it is the very same that is denied.
class CapsFilter final : public filter::ConnectionFilter {
 public:
  enum class Stage : std::uint8_t { Simulate, Enforce };

  /// As a snapshot says it; null where the settings cap no connections. InvalidArgument names what cannot be read.
  static Result<std::unique_ptr<const CapsFilter>> make(std::string_view stage, SourceShare enforced,
                                                        const Json::Value& settings,
                                                        std::shared_ptr<ConnectionCounts> counts);

  CapsFilter(const ConnectionCaps& caps, Stage stage, SourceShare enforced, std::shared_ptr<ConnectionCounts> counts);

  std::optional<filter::Denial> admit(const filter::ConnectionView& view, filter::VerdictSink& verdicts,
                                      filter::Holds& holds) const override;
  /// Counts one that was open before the caps were, whatever they say.
  void adopt(const filter::ConnectionView& view, filter::Holds& holds) const override;

 private:
  class Place;

  /// The cap that is in the way; empty: none, and the connection holds its place.
  std::string_view take(const filter::ConnectionView& view, const ConnectionCaps& caps, const SourceBounds& bounds,
                        filter::Holds& holds) const;

  const ConnectionCaps caps_;
  const SourceBounds bounds_;
  const Stage stage_;
  const SourceShare enforced_;
  const std::shared_ptr<ConnectionCounts> counts_;
};

}  // namespace loam::filters
