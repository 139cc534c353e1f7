#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/filter/connection_view.h"

namespace loam::filter {

/// Why a connection is not admitted.
struct Denial {
  std::string feature;  ///< "policy", "mtls", "rate_limit"
  std::string rule;     ///< of the policy; "default" where none fits; what else says why
};

/// What a feature that is only simulated, or that is enforced, said of one connection; counted by (client address,
/// destination, feature, rule).
struct Verdict {
  std::string_view feature;
  std::string_view rule;
  bool enforced = false;  ///< false: it would have been denied, and was carried all the same
};

/// Where filters tell what they decided. One per worker, called from it alone.
class VerdictSink {
 public:
  virtual ~VerdictSink() = default;
  virtual void onDenied(const ConnectionView& view, const Verdict& verdict) = 0;
};

/// Nobody listens.
class NoVerdicts final : public VerdictSink {
 public:
  void onDenied(const ConnectionView&, const Verdict&) override {}
};

/// One feature on the path of a connection of any protocol, before a byte is dialled: the second seam of the design.
/// Made with the snapshot and immutable: what it counts is asked of its worker. Never waits (ADR 10). One thread per
/// worker; several workers ask it at once.
class ConnectionFilter {
 public:
  virtual ~ConnectionFilter() = default;
  /// Nothing where the connection may go on.
  virtual std::optional<Denial> admit(const ConnectionView& view, VerdictSink& verdicts) const = 0;
};

}  // namespace loam::filter
