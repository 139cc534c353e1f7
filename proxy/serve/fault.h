#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/filter/exchange.h"
#include "proxy/http/http1_head.h"

namespace loam::serve {

/// Why the proxy ends an exchange, besides a request head that is none (http::HeadFault).
enum class Fault : std::uint8_t {
  HeadTooLong,
  HeadTimeout,
  BodyFraming,
  RequestStalled,
  AnswerStalled,
  AnswerHead,  ///< the server's head is none, or too many stand before the final one
  AnswerHeadTooLong,
  AnswerFraming,
  ServerEnded,  ///< before its answer did
  TimedOut,     ///< a bound that filters set ran out
  TryTimedOut,  ///< the same of one sending
  NoServer,     ///< none could be dialled
  ConnectTimedOut,
};
constexpr std::size_t kFaults = 13;

/// What becomes of it: the answer's status, what Proxy-Status (RFC 9209) calls it, and the label of counters and logs.
struct Refusal {
  int status = 0;
  std::string_view error;
  std::string_view detail;
  std::string_view cause;  ///< `loam-cause`: the feature that has it so, and what of it
};
Refusal refusalOf(Fault fault);
Refusal refusalOf(http::HeadFault fault);

/// The answer that the proxy gives, as bytes; it ends the connection. `withBody`: false to a HEAD.
std::string answerOf(const Refusal& refusal, bool withBody);
/// One that a filter gives. `keeps`: whether another request may follow.
std::string answerOf(const filter::OwnAnswer& own, bool withBody, bool keeps);

}  // namespace loam::serve
