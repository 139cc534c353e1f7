#pragma once

#include <memory>
#include <vector>

#include "proxy/io/listener.h"
#include "proxy/io/task_scope.h"
#include "proxy/relay/reset.h"
#include "proxy/tls/preface.h"

namespace loam::server {

/// The port for proxies of another host, on the same loop: does what its members say to each that comes.
class OtherProxy {
 public:
  OtherProxy(io::EventLoop& loop, std::shared_ptr<const tls::Context> context)
      : context_(std::move(context)),
        loop_(loop),
        listener_(*io::Listener::bind(loop, {IpAddress::v4({127, 0, 0, 1}), 0})) {
    scope_.spawn(acceptAll());
  }

  tls::Answer answer = tls::Answer::Accepted;
  bool resets = false;  ///< at once
  bool isSilent = false;
  int calls = 0;
  std::vector<tls::Preface> prefaces{};

  std::uint16_t port() const { return listener_->address().port; }
  /// Listens no more.
  void close() {
    scope_.cancelAll();
    listener_.reset();
  }

 private:
  io::Task<void> acceptAll() {
    for (;;) {
      auto accepted = co_await listener_->accept();
      if (!accepted) co_return;
      ++calls;
      scope_.spawn(serve(*std::move(accepted)));
    }
  }
  io::Task<void> serve(io::Accepted accepted) {
    auto socket = *io::Socket::adopt(loop_, std::move(accepted.fd));
    if (resets) {
      relay::closeByReset(*socket);
      co_return;
    }
    if (isSilent) co_await loop_.sleepFor(std::chrono::hours(1));
    auto stream = tls::Stream::server(context_, std::move(socket));
    const Status opened = co_await stream->open(io::kNever);
    if (!opened) co_return;
    const auto preface = co_await tls::readPreface(*stream, io::kNever);
    if (!preface) co_return;
    prefaces.push_back(*preface);
    const std::uint8_t byte = static_cast<std::uint8_t>(answer);
    const Status told = co_await stream->write(std::span(&byte, 1), io::kNever);
    if (!told) co_return;
    std::array<std::uint8_t, 16> rest{};
    const auto end = co_await stream->read(rest, io::kNever);
    if (!end) co_return;
  }

  std::shared_ptr<const tls::Context> context_;
  io::EventLoop& loop_;
  std::unique_ptr<io::Listener> listener_;
  io::TaskScope scope_;
};

}  // namespace loam::server
