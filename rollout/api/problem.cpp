#include "rollout/api/problem.h"

#include "proxy/base/json.h"

namespace loam::api {

namespace {

int statusFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
    case ErrorCode::Protocol:
      return 400;
    case ErrorCode::Denied:
      return 403;
    case ErrorCode::NotFound:
      return 404;
    case ErrorCode::Conflict:
      return 409;
    case ErrorCode::Exhausted:
      return 507;
    case ErrorCode::Unsupported:
      return 501;
    case ErrorCode::Timeout:  // somebody else holds the store: it is free again soon
      return 503;
    default:
      return 500;
  }
}

}  // namespace

http::Response problem(int status, std::string_view code, std::string_view detail,
                       const std::vector<std::string>& suggestions) {
  Json::Value body(Json::objectValue);
  body["type"] = "urn:loam:problem:" + std::string(code);
  body["title"] = std::string(http::reasonPhrase(status));
  body["status"] = status;
  body["code"] = std::string(code);
  if (!detail.empty()) body["detail"] = std::string(detail);
  for (const std::string& suggestion : suggestions) body["suggestions"].append(suggestion);
  http::Response response{.status = status, .contentType = "application/problem+json", .body = writeJson(body)};
  if (status == 503 || status == 507) response.headers.emplace_back("Retry-After", "5");
  return response;
}

http::Response problem(const Error& error, const std::vector<std::string>& suggestions) {
  return problem(statusFor(error.code), name(error.code), error.context, suggestions);
}

http::Response ok(const Json::Value& value) { return {.body = writeJson(value) + "\n"}; }

}  // namespace loam::api
