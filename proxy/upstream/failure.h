#pragma once

#include <cstdint>
#include <optional>

namespace loam::upstream {

/// How an endpoint failed an exchange.
enum class Failure : std::uint8_t {
  ConnectFailure,  ///< no connection to it
  Reset,           ///< it ended before its answer did, or answered with what is none
  Timeout,         ///< a bound in time ran out
  GatewayError,    ///< 502, 503 or 504
  ServerError,     ///< any other 5xx
};

/// What the status of an answer says of the endpoint that gave it.
constexpr std::optional<Failure> failureOf(int status) {
  if (status >= 502 && status <= 504) return Failure::GatewayError;
  if (status >= 500 && status <= 599) return Failure::ServerError;
  return std::nullopt;
}

}  // namespace loam::upstream
