#pragma once

#include <string>
#include <string_view>

namespace loam {

/// What went wrong, in the terms a caller can act on.
enum class ErrorCode {
  InvalidArgument,  ///< input that breaks its grammar or a stated limit
  NotFound,
  Conflict,     ///< somebody else holds or changed it
  Refused,      ///< the other side said no (ECONNREFUSED)
  Unreachable,  ///< no way to the other side
  Reset,        ///< the other side cut it (ECONNRESET, EPIPE)
  Closed,       ///< orderly end where more was expected
  Timeout,
  Exhausted,    ///< a bound was reached: descriptors, memory, queue
  Denied,       ///< a privilege or permission is missing
  Protocol,     ///< the peer broke the protocol
  Unsupported,  ///< this host or build cannot do it
  Io,           ///< disk, kernel or another program failed
};

/// Whose doing it was, seen from the proxy.
enum class ErrorOrigin { Local, Downstream, Upstream };

std::string_view name(ErrorCode code);
std::string_view name(ErrorOrigin origin);

/// A failure that network, disk, configuration or a peer can cause. What only a bug can cause is LOAM_ASSERT's.
struct Error {
  ErrorCode code = ErrorCode::Io;
  std::string context;  ///< one line for a person: what was tried, on what, and the system's own word
  ErrorOrigin origin = ErrorOrigin::Local;
  bool retryable = false;

  /// "timeout (upstream): connecting to 10.0.0.2:80".
  std::string describe() const;
};

/// Error of a failed system call: code from `errnoValue`, context "WHAT: strerror".
Error systemError(int errnoValue, std::string_view what, ErrorOrigin origin = ErrorOrigin::Local);

}  // namespace loam
