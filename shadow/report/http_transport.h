#pragma once

#include <memory>

#include "proxy/http/kept_connection.h"
#include "shadow/report/transport.h"

namespace loam::report {

/// POST /v1/reports to the controller, over a connection that is kept. One thread at a time.
class HttpTransport final : public Transport {
 public:
  static constexpr milliseconds kPatience{5000};

  /// `securing` is asked on the thread that sends. Fails when the kernel gives no descriptors.
  static Result<std::unique_ptr<HttpTransport>> make(http::Target controller, http::Securing securing = {});
  Status send(std::string_view report) override;

 private:
  HttpTransport(std::unique_ptr<io::EventLoop> loop, std::unique_ptr<const Clock> clock, http::Target controller,
                http::Securing securing);

  const std::unique_ptr<const Clock> clock_;
  const std::unique_ptr<io::EventLoop> loop_;
  http::KeptConnection connection_;
};

/// Where no controller is configured: nothing is ever delivered, so that the record waits in the spool.
class NoTransport final : public Transport {
 public:
  Status send(std::string_view) override { return fail(ErrorCode::Unreachable, "no controller is configured"); }
};

}  // namespace loam::report
