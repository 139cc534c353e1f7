#pragma once

#include "proxy/http/http1_client.h"
#include "shadow/report/transport.h"

namespace loam::report {

/// POST /v1/reports on the controller's Unix socket or loopback port, a connection a report.
class HttpTransport final : public Transport {
 public:
  static constexpr milliseconds kPatience{5000};

  explicit HttpTransport(http::Target controller) : controller_(std::move(controller)) {}
  Status send(std::string_view report) override;

 private:
  const http::Target controller_;
};

/// Where no controller is configured: nothing is ever delivered, so that the record waits in the spool.
class NoTransport final : public Transport {
 public:
  Status send(std::string_view) override { return fail(ErrorCode::Unreachable, "no controller is configured"); }
};

}  // namespace loam::report
