#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/filter/connection_view.h"

namespace loam::filter {

/// Why a connection is not admitted.
struct Denial {
  std::string feature;  ///< "policy", "mtls", "rate_limit"
  std::string rule;     ///< of the policy; "default" where none fits; what else says why

  bool operator==(const Denial&) const = default;
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

/// A place that an admitted connection has among others: given back with it, in the worker that took it.
class Hold {
 public:
  virtual ~Hold() = default;
  /// Whether it is a place among those that `owner` counts.
  virtual bool isOf(const void* owner) const = 0;
};
using Holds = std::vector<std::unique_ptr<Hold>>;

/// That a live connection would be denied now, and is to be closed for it.
struct Notice {
  Denial denial;
  milliseconds within;  ///< from when it ceased to be admitted

  bool operator==(const Notice&) const = default;
};

/// One feature on the path of a connection of any protocol, before a byte is dialled: the second seam of the design.
/// Made with the snapshot and immutable: what it counts is asked of its worker. Never waits (ADR 10). One thread per
/// worker; several workers ask it at once.
class ConnectionFilter {
 public:
  virtual ~ConnectionFilter() = default;
  /// Nothing where the connection may go on. What it then holds until its end goes to `holds`.
  virtual std::optional<Denial> admit(const ConnectionView& view, VerdictSink& verdicts, Holds& holds) const = 0;
  /// Of a live connection that came before this filter: what it is to hold from now on.
  virtual void adopt(const ConnectionView& /*view*/, Holds& /*holds*/) const {}
  /// Of a live connection: whether this filter wants it closed. Nothing: it may stay till it ends.
  virtual std::optional<Notice> notice(const ConnectionView& /*view*/) const { return std::nullopt; }
};

}  // namespace loam::filter
