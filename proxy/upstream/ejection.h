#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/upstream/endpoint_state.h"
#include "proxy/upstream/failure.h"

namespace loam::upstream {

/// When an endpoint is left alone for a while, and for how long.
struct EjectionTerms {
  std::vector<Failure> on{Failure::ConnectFailure, Failure::GatewayError, Failure::Reset, Failure::Timeout};
  std::uint32_t consecutive = 5;
  std::optional<std::uint32_t> failurePercent{};  ///< of an interval's exchanges; none: only consecutive ones count
  std::uint32_t leastExchanges = 100;             ///< in an interval for that
  nanoseconds interval = seconds(10);
  nanoseconds base = seconds(30);  ///< the first time; twice that the second, and so on
  nanoseconds most = std::chrono::minutes(5);
  std::uint32_t maxPercent = 10;  ///< of the endpoints at once, but one in any case; and never the last
  /// Which endpoints it holds for; empty: all.
  std::function<bool(const SocketAddress&)> covers{};
  /// It is only looked what would be ejected: balancers that are made with it pick as if nobody were.
  bool simulated = false;
};

/// Ejects endpoints that fail, and takes them back: outlier ejection. As soon as `consecutive` exchanges in a row
/// failed, or of at least `leastExchanges` in an interval `failurePercent` did, the endpoint is out; when its time is
/// over the next exchange there is the probe, and decides. Made with the snapshot and immutable: what it counts is in
/// the states. Any thread.
class Ejection {
 public:
  /// `all`: the endpoints of the service in that snapshot. `heedsHealth`: one that checks find unhealthy is no rest.
  Ejection(EjectionTerms terms, std::shared_ptr<ServiceState> service, std::vector<std::shared_ptr<EndpointState>> all,
           bool heedsHealth = false);

  /// An exchange came to its end. Kinds of failure that the terms do not name are none.
  void onOutcome(EndpointState& endpoint, std::optional<Failure> failure, Monotonic now) const;
  /// A probe has its answer, or none: the endpoint is in again, or out for longer.
  void onProbe(EndpointState& endpoint, std::optional<Failure> failure, Monotonic now) const;
  /// Whether the terms name it.
  bool counts(Failure failure) const;
  const EjectionTerms& terms() const { return terms_; }

 private:
  void ejectIfItMay(EndpointState& endpoint, Monotonic now) const;
  bool mayEject(const EndpointState& endpoint) const;

  const EjectionTerms terms_;
  const std::shared_ptr<ServiceState> service_;
  const std::vector<std::shared_ptr<EndpointState>> all_;
  const bool heedsHealth_;
  std::uint32_t counted_ = 0;  // a bit for each kind
};

}  // namespace loam::upstream
