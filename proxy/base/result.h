#pragma once

#include <tl/expected.hpp>

#include <utility>

#include "proxy/base/error.h"

namespace loam {

/// A value or the Error that stands in its place. Nothing that network, disk or a peer can cause is thrown.
template <class T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

inline auto fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

inline auto fail(ErrorCode code, std::string context, ErrorOrigin origin = ErrorOrigin::Local) {
  return tl::unexpected<Error>(Error{code, std::move(context), origin, false});
}

}  // namespace loam

/// Returns the error of `expression` to the caller, or goes on. For functions that return a Result.
#define LOAM_TRY(expression)                                                                          \
  do {                                                                                                \
    if (auto loamTried = (expression); !loamTried) return ::loam::fail(std::move(loamTried).error()); \
  } while (false)

/// LOAM_TRY for coroutines.
#define LOAM_CO_TRY(expression)                                                                          \
  do {                                                                                                   \
    if (auto loamTried = (expression); !loamTried) co_return ::loam::fail(std::move(loamTried).error()); \
  } while (false)
