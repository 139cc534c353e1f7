#include "proxy/base/error.h"

#include <system_error>

#include <cerrno>

namespace loam {

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "invalid_argument";
    case ErrorCode::NotFound:
      return "not_found";
    case ErrorCode::Conflict:
      return "conflict";
    case ErrorCode::Refused:
      return "refused";
    case ErrorCode::Unreachable:
      return "unreachable";
    case ErrorCode::Reset:
      return "reset";
    case ErrorCode::Closed:
      return "closed";
    case ErrorCode::Timeout:
      return "timeout";
    case ErrorCode::Exhausted:
      return "exhausted";
    case ErrorCode::Denied:
      return "denied";
    case ErrorCode::Protocol:
      return "protocol";
    case ErrorCode::Unsupported:
      return "unsupported";
    case ErrorCode::Io:
      return "io";
  }
  return "unknown";
}

std::string_view name(ErrorOrigin origin) {
  switch (origin) {
    case ErrorOrigin::Local:
      return "local";
    case ErrorOrigin::Downstream:
      return "downstream";
    case ErrorOrigin::Upstream:
      return "upstream";
  }
  return "unknown";
}

std::string Error::describe() const {
  std::string text(name(code));
  if (origin != ErrorOrigin::Local) text.append(" (").append(name(origin)).append(")");
  return text.append(": ").append(context);
}

namespace {

ErrorCode codeOf(int errnoValue) {
  switch (errnoValue) {
    case ECONNREFUSED:
      return ErrorCode::Refused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
      return ErrorCode::Unreachable;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return ErrorCode::Reset;
    case ETIMEDOUT:
      return ErrorCode::Timeout;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::Exhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::Denied;
    case ENOENT:
      return ErrorCode::NotFound;
    case EADDRINUSE:
    case EEXIST:
    case EBUSY:
      return ErrorCode::Conflict;
    case EINVAL:
      return ErrorCode::InvalidArgument;
    case ENOSYS:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
      return ErrorCode::Unsupported;
    default:
      return ErrorCode::Io;
  }
}

}  // namespace

Error systemError(int errnoValue, std::string_view what, ErrorOrigin origin) {
  std::string context(what);
  context.append(": ").append(std::generic_category().message(errnoValue));
  return Error{codeOf(errnoValue), std::move(context), origin, false};
}

}  // namespace loam
