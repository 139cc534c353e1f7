#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/filters/form.h"
#include "proxy/filters/match.h"

namespace loam::filters {

/// The part of the load that may be repeats, of one caller's proxy for one service.
struct RetryBudget {
  double ratio = 0.1;                 ///< of the exchanges of the window that went well (rollout.md 3.2)
  std::uint32_t minPerSecond = 1;     ///< whatever the ratio says (rollout.md 3.2)
  milliseconds window = seconds(10);  ///< Linkerd's

  void describe(Form& form);
};

/// How long to wait before a repeat: drawn from 0 to base, which doubles up to the most.
struct Backoff {
  milliseconds base{25};   ///< Envoy's and Istio's
  milliseconds most{250};  ///< ten times that, as Envoy

  void describe(Form& form);
};

/// When a failed exchange is sent again. Never once a byte of the answer went to the client.
struct RetriesSettings {
  enum class On : std::uint8_t {
    ConnectFailure,  ///< no connection: nothing was sent, so any method may be repeated
    RefusedStream,   ///< HTTP/2 says that nothing was looked at: any method too
    Reset,           ///< the connection ended before the answer's head
    Timeout,         ///< `per_try_timeout` ran out
    GatewayError,    ///< 502, 503, 504
    Unavailable,     ///< gRPC's UNAVAILABLE
  };

  std::uint32_t attempts = 1;  ///< repeats, the first sending not counted (rollout.md 3.2)
  std::vector<On> on{On::ConnectFailure, On::RefusedStream,
                     On::Reset};                               ///< not 503: it has paid twice (features.md 0.7)
  std::vector<std::uint16_t> statuses;                         ///< other statuses of the answer; none
  std::vector<std::string> methods{"GET", "HEAD", "OPTIONS"};  ///< of which a byte may have been sent before
  std::optional<std::string> idempotencyHeader;                ///< a request that carries it counts as one of `methods`
  RetryBudget budget;
  Backoff backoff;
  std::optional<milliseconds> perTryTimeout;
  std::optional<milliseconds> totalTimeout;  ///< of all attempts together; none: the `timeouts` of the service alone
  std::uint64_t maxBody = 64 << 10;          ///< bytes of a request kept for a repeat; longer ones have none (C9)
  Match match;                               ///< only these

  void describe(Form& form);
};

}  // namespace loam::filters
