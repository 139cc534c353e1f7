#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/http/http1_server.h"

namespace loam::http {

/// A server on loopback that says back what it got, and raw clients against it, all on one loop.
class HttpFixture : public testing::Test {
 protected:
  void serve(Http1Limits limits = {}, Handler handler = echo()) {
    auto listener = io::Listener::bind(*loop, *SocketAddress::parse("127.0.0.1:0"));
    ASSERT_TRUE(listener) << listener.error().describe();
    server = std::make_unique<Http1Server>(*loop, *std::move(listener), std::move(handler), std::move(limits));
  }

  /// Answers "METHOD target|body".
  static Handler echo() { return &echoed; }

  Descriptor connect() const {
    sockaddr_storage storage{};
    const socklen_t length = server->address().to(storage);
    Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    return fd;
  }

  void turnUntil(const std::function<bool()>& done, milliseconds patience = milliseconds(5000)) {
    const Monotonic end = clock.now() + patience;
    while (!done() && clock.now() < end) loop->turn(milliseconds(5));
  }

  /// What came back on `fd` until its end, or until `enough` says so.
  struct Heard {
    std::string bytes;
    bool closed = false;
  };
  Heard hear(const Descriptor& fd, const std::function<bool(const Heard&)>& enough,
             milliseconds patience = milliseconds(5000)) {
    Heard heard;
    turnUntil(
        [&] {
          char buffer[65536];
          for (;;) {
            const auto count = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
            if (count > 0) heard.bytes.append(buffer, static_cast<std::size_t>(count));
            if (count == 0 || (count < 0 && errno != EAGAIN)) heard.closed = true;
            if (count <= 0) return heard.closed || enough(heard);
          }
        },
        patience);
    return heard;
  }
  Heard hearAll(const Descriptor& fd) {
    return hear(fd, [](const Heard&) { return false; });
  }

  void say(const Descriptor& fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN) return;
      loop->turn(milliseconds(0));
    }
  }

  SystemClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  std::unique_ptr<Http1Server> server;

 private:
  static io::Task<Response> echoed(const Request& request) {
    Response response{.status = 200, .contentType = "text/plain", .body = {}, .headers = {}};
    response.body = request.method + " " + request.target + "|" + request.body;
    co_return response;
  }
};

}  // namespace loam::http
