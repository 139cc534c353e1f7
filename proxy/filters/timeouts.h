#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/filters/form.h"
#include "proxy/filters/match.h"

namespace loam::filters {

/// Bounds of one exchange; none by default: they are proposed from what was seen (features.md 5).
struct ExchangeTimeouts {
  std::optional<milliseconds> request;   ///< from the request's first byte to the answer's last; 504 before the head
  std::optional<milliseconds> response;  ///< from the request's last byte to the answer's head
  std::optional<milliseconds> idle;      ///< without a byte in either direction

  bool any() const { return request || response || idle; }
  void describe(Form& form);
};

/// Exchanges for which others hold; the first that fits decides, and what it leaves out has no bound.
struct TimeoutRule {
  std::string name;
  Match match;
  ExchangeTimeouts timeouts;

  bool fitsAll() const { return match.fitsAll(); }
  void describe(Form& form);
};

/// How long a caller waits for a service.
struct TimeoutsSettings {
  std::optional<milliseconds> connect;  ///< until the connection stands, TLS included
  ExchangeTimeouts timeouts;
  std::vector<TimeoutRule> rules;
  bool grpcTimeout = true;  ///< a shorter `grpc-timeout` of the caller holds too (features.md 1.5: deadlines go on)

  void describe(Form& form);
};

}  // namespace loam::filters
