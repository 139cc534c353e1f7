#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/filters/form.h"
#include "proxy/filters/match.h"
#include "proxy/filters/words.h"

namespace loam::filters {

constexpr std::string_view kRateLimitFeature = "rate_limit";

/// A caller for whom another rate holds.
struct CallerRate {
  Source source;
  std::optional<Rate> rate;
  std::optional<std::uint32_t> burst;
  std::optional<Quota> quota;

  void describe(Form& form);
};

/// How many exchanges may pass; the rest gets 429 with Retry-After.
struct RateLimit {
  /// Who shares one bucket.
  enum class Key : std::uint8_t {
    All,       ///< everybody
    Caller,    ///< a service
    Identity,  ///< a proven one
    Address,   ///< a client address
    Header,    ///< a value of `header`
  };

  std::string name;
  Match match;
  Key key = Key::Caller;
  std::string header;
  std::optional<Rate> rate;
  std::optional<std::uint32_t> burst;  ///< exchanges at once; none: the rate's own count
  std::optional<Quota> quota;          ///< survives restarts
  std::vector<CallerRate> callers;     ///< instead of `rate` and `quota`, for these

  void describe(Form& form);
};

/// How many connections may be open or come: needs no `serve`.
struct ConnectionCaps {
  std::optional<std::uint32_t> total;
  std::optional<std::uint32_t> perSource;  ///< of one client address
  std::optional<Rate> opens;               ///< new ones of one client address
  std::optional<std::uint32_t> burst;      ///< none: the rate's own count

  void describe(Form& form);
};

/// Limits of what a service is asked for, at the callee's side. All that fit an exchange hold.
struct RateLimitSettings {
  /// What a number is of.
  enum class Scope : std::uint8_t {
    Proxy,    ///< each proxy counts for itself
    Service,  ///< the controller hands out shares; without it each proxy keeps its last (features.md 1.10)
  };

  std::vector<RateLimit> limits;
  std::optional<ConnectionCaps> connections;
  Scope scope = Scope::Proxy;
  bool headers = true;  ///< X-RateLimit-Limit, -Remaining and -Reset in answers (features.md 1.10)

  bool actsOnExchanges() const { return !limits.empty(); }
  bool actsOnConnections() const { return connections.has_value(); }
  void describe(Form& form);
};

}  // namespace loam::filters
