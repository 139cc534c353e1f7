#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "proxy/filters/form.h"
#include "proxy/filters/match.h"

namespace loam::filters {

/// An end instead of an answer: exactly one of them.
struct Abort {
  std::optional<std::uint16_t> status;      ///< of HTTP
  std::optional<std::uint32_t> grpcStatus;  ///< with HTTP 200
  bool reset = false;                       ///< the connection or stream is reset

  void describe(Form& form);
};

/// An answer that Loam makes up, beside `loam-cause`.
struct MockAnswer {
  std::uint16_t status = 200;
  std::map<std::string, std::string> headers;
  std::string body;

  void describe(Form& form);
};

/// Trouble on purpose, for a share of the exchanges (or connections), and always with an end: the flag's.
struct FaultSettings {
  /// What it is done to. Connections need no `serve`, and know only delay, bandwidth and reset.
  enum class At : std::uint8_t { Exchange, Connection };

  At at = At::Exchange;
  Match match;
  std::optional<milliseconds> delay;   ///< before anything goes up; of a connection before it is dialled
  std::optional<milliseconds> jitter;  ///< up to so much more, drawn each time
  std::optional<Abort> abort;
  std::optional<MockAnswer> answer;
  std::optional<std::uint64_t> bytesPerSecond;  ///< of what comes back
  std::uint32_t mostAtOnce = 100;               ///< in one proxy, so that a fault holds no more than that

  bool actsOnExchanges() const { return at == At::Exchange; }
  void describe(Form& form);
};

}  // namespace loam::filters
