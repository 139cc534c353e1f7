#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/http/http1_server.h"
#include "rollout/notify/hook_settings.h"

namespace loam::test {

/// Somebody who is told of what needs a person: an HTTP server on loopback, on a thread of its own.
class WebhookReceiver {
 public:
  WebhookReceiver() {
    auto listener = *io::Listener::bind(*loop_, *SocketAddress::parse("127.0.0.1:0"));
    server_ = std::make_unique<http::Http1Server>(*loop_, std::move(listener),
                                                  [this](const http::Request& request) { return take(request); });
    url_ = "http://" + server_->address().text() + "/s3cr3t-path?token=s3cr3t-query";
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~WebhookReceiver() {
    loop_->stop();
    thread_.join();
  }
  WebhookReceiver(const WebhookReceiver&) = delete;
  WebhookReceiver& operator=(const WebhookReceiver&) = delete;

  static constexpr const char* kSecret = "s3cr3t-of-the-receiver";

  /// A webhook that leads here, as a configuration would have it.
  notify::HookSettings hook(const std::string& name) const {
    notify::HookSettings settings;
    settings.name = name;
    settings.url = *notify::HookUrl::parse(url_);
    settings.secret = kSecret;
    return settings;
  }
  /// From now on.
  void answer(int status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  std::vector<http::Request> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  /// All that came, once so many did; what came in time where they did not.
  std::vector<http::Request> heard(std::size_t count, seconds patience = seconds(20)) const {
    const SystemClock clock;
    for (const Monotonic end = clock.now() + patience; heard().size() < count && clock.now() < end;) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    return heard();
  }

 private:
  io::Task<http::Response> take(const http::Request& request) {
    http::Response response;
    const std::lock_guard lock(mutex_);
    heard_.push_back(request);
    response.status = status_;
    co_return response;
  }

  SystemClock clock_;
  std::unique_ptr<io::EventLoop> loop_ = *io::EventLoop::make(clock_);
  mutable std::mutex mutex_;
  int status_ = 200;
  std::vector<http::Request> heard_;
  std::unique_ptr<http::Http1Server> server_;
  std::string url_;
  std::thread thread_;
};

}  // namespace loam::test
