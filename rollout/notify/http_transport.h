#pragma once

#include <memory>
#include <string>

#include "proxy/http/client_connection.h"
#include "proxy/tls/context.h"
#include "rollout/notify/hook_settings.h"
#include "rollout/notify/host_lookup.h"
#include "rollout/notify/transport.h"

namespace loam::notify {

/// Signed requests over HTTP/1.1, each on a connection of its own, plain or over TLS with the receiver's name checked.
/// An address is looked at when it is connected to, and a redirect is an answer like any other: it is never followed
/// (C7).
class HttpTransport final : public Transport {
 public:
  /// InvalidArgument and NotFound for authorities that cannot be used. `loop` and `clock` outlive it.
  static Result<std::unique_ptr<HttpTransport>> make(io::EventLoop& loop, HookSettings settings, const Clock& clock,
                                                     HostLookup::Resolve resolve = HostLookup::resolveWithSystem);

  io::Task<Result<Answer>> send(Post post, Monotonic deadline) override;
  /// Secret and authorities.
  Status reload() override;

 private:
  using Connection = std::unique_ptr<http::ClientConnection>;
  HttpTransport(io::EventLoop& loop, HookSettings settings, const Clock& clock, HostLookup::Resolve resolve);

  Status readAuthorities();
  http::Request requestOf(Post post) const;
  io::Task<Result<HostLookup::Addresses>> addresses(Monotonic deadline);
  io::Task<Result<Connection>> connect(Monotonic deadline);

  io::EventLoop& loop_;
  HookSettings settings_;
  const Clock& clock_;
  std::shared_ptr<const tls::Context> context_;  // null: plain
  HostLookup lookup_;
};

}  // namespace loam::notify
