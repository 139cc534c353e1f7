#pragma once

#include "proxy/base/result.h"
#include "proxy/guard/capture_settings.h"

namespace loam::guard {

/// The way home for answers to a client's address: `ip rule fwmark M lookup T` and `local default dev lo table T`, both
/// families. Both carry Loam's own protocol number, by which they are told from anybody else's and removed exactly. One
/// thread.
class ReplyRoute {
 public:
  explicit ReplyRoute(const Footprint& footprint) : footprint_(footprint) {}

  /// Conflict, naming what stands there, when the mark, the table or the priority is somebody else's.
  Status checkFree() const;
  /// Adds what is missing; nothing when all is there. A host without IPv6 gets IPv4's alone.
  Status add() const;
  /// Takes away what add() put there; nothing when it is gone.
  Status remove() const;
  /// Whether a rule and a route of ours are there for IPv4.
  Result<bool> present() const;

 private:
  Footprint footprint_;
};

}  // namespace loam::guard
