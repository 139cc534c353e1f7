#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/base/clock.h"

/// What Serving and StrictReader go by alike besides settings, so that the one counts what the other refuses; and what
/// no setting says.
namespace loam::serve {

constexpr seconds kDialPatience{2};  ///< for a server that is dialled for exchanges (reliability.md G1)

constexpr std::size_t kMostLineEnds = 64;  ///< bytes of them before a request
constexpr unsigned kMostInterims = 32;     ///< answers before the final one: they wait for a client who does not read

/// Whether these first bytes, at least one, are no request of HTTP/1 at all: no method begins so, or they are HTTP/2's
/// preface. A lone CR may still become a line end before one.
inline bool isForeign(std::string_view bytes) {
  if (bytes == "\r") return false;
  const bool isLetter = (bytes[0] | 0x20) >= 'a' && (bytes[0] | 0x20) <= 'z';
  return !isLetter || bytes.starts_with("PRI * HTTP/2.0\r\n");
}

}  // namespace loam::serve
