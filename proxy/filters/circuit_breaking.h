#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proxy/filters/form.h"

namespace loam::filters {

/// How much a caller's proxy has under way with a service; beyond it 503 at once. None by default: they are proposed
/// from the peaks that were seen (features.md 1.7, pain 30).
struct ConcurrencyCaps {
  std::optional<std::uint32_t> connections;
  std::optional<std::uint32_t> requests;
  std::optional<std::uint32_t> pending;  ///< requests that wait for a connection

  void describe(Form& form);
};

/// When an endpoint is left alone for a while. The numbers are Envoy's and Istio's where nothing else is said.
struct Ejection {
  /// What counts against an endpoint.
  enum class Failure : std::uint8_t { ConnectFailure, Reset, Timeout, GatewayError, ServerError };

  std::vector<Failure> on{Failure::ConnectFailure, Failure::GatewayError, Failure::Reset, Failure::Timeout};
  std::uint32_t consecutive = 5;
  std::optional<std::uint32_t> failurePercent;  ///< of an interval's exchanges; none: only consecutive ones count
  std::optional<std::uint32_t> leastExchanges;  ///< in an interval for that; 100 where none is given
  milliseconds interval = seconds(10);
  milliseconds base = seconds(30);  ///< the first time; twice that the second, and so on
  milliseconds most = std::chrono::minutes(5);
  std::uint32_t maxPercent = 10;  ///< of the endpoints at once, but one in any case; and never the last

  void describe(Form& form);
};

struct CircuitBreakingSettings {
  std::optional<ConcurrencyCaps> caps;
  std::optional<Ejection> ejection;

  void describe(Form& form);
};

}  // namespace loam::filters
