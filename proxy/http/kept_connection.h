#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "proxy/http/client_connection.h"

namespace loam::http {

/// How connections to a server are secured, where that changes with time. Asked on the thread of whoever connects; both
/// empty: not at all.
struct Securing {
  /// For a new connection; its error is that of the question.
  std::function<Result<io::Wrap>()> wrap{};
  /// Grows when a new connection would be secured in another way.
  std::function<std::uint64_t()> version{};
};

/// The connection to a control-side server: made when there is something to ask, and kept while it is good and its
/// version is the present one. A handshake for every question of a thousand proxies would cost their controller dearly.
/// The loop's thread, one question at a time.
class KeptConnection {
 public:
  static constexpr milliseconds kConnectWithin{10'000};

  KeptConnection(Target target, Securing securing) : target_(std::move(target)), securing_(std::move(securing)) {}
  KeptConnection(const KeptConnection&) = delete;
  KeptConnection& operator=(const KeptConnection&) = delete;

  /// Sends one request and reads the answer, as ClientConnection does. Asked anew, once, where a kept connection turns
  /// out to have ended: for requests that may come twice. `loop` is always the same.
  io::Task<Result<Response>> ask(io::EventLoop& loop, Request request, Monotonic deadline);
  /// Of the last question; nothing when it was answered.
  const std::optional<Error>& failure() const { return failure_; }
  /// Ends it: an ask() that waits fails at once, the next one connects.
  void cut();

  const Target& target() const { return target_; }

 private:
  io::Task<Result<Response>> askOrConnect(io::EventLoop& loop, Request request, Monotonic deadline);
  io::Task<Status> connect(io::EventLoop& loop, Monotonic deadline);
  std::uint64_t version() const { return securing_.version ? securing_.version() : 0; }

  const Target target_;
  const Securing securing_;
  std::unique_ptr<ClientConnection> connection_;
  std::uint64_t version_ = 0;  // of connection_
  std::uint64_t cuts_ = 0;
  std::optional<Error> failure_;
};

}  // namespace loam::http
