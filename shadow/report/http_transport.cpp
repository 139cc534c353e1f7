#include "shadow/report/http_transport.h"

namespace loam::report {

Status HttpTransport::send(std::string_view report) {
  http::Request request;
  request.method = "POST";
  request.target = "/v1/reports";
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = report;
  const auto response = http::fetchAndWait(controller_, std::move(request), kPatience);
  if (!response) return fail(response.error());
  if (response->status == 200) return {};
  const bool forGood = response->status == 400 || response->status == 413 || response->status == 422;
  return fail(
      forGood ? ErrorCode::InvalidArgument : ErrorCode::Io,
      "the controller answered " + std::to_string(response->status) + " to a report: " + response->body.substr(0, 200));
}

}  // namespace loam::report
