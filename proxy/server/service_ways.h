#pragma once

#include <string_view>

#include "proxy/serve/way.h"
#include "proxy/server/idle_server.h"

namespace loam::server {

/// Who chooses the server of a served connection's exchanges.
enum class ServerChoice : std::uint8_t {
  Clients,         ///< it is dialled when the client comes
  ClientsOrLater,  ///< the same, but where that fails exchanges try again
  Exchanges,       ///< each of them, among the endpoints of the service
};
ServerChoice serverChoiceOf(const WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service);

/// Dials the server of a connection that has just come: where its client wanted to go, or an endpoint that `balancing`
/// chooses for the whole of a relayed one, which is followed by another where it cannot be reached, as nothing was
/// sent; `flight` is what the endpoint has of it until the end. Closed where it is served and its exchanges choose.
io::Task<Result<Upstream>> dialFirst(WorkerContext& context, const relay::ConnectionFacts& facts,
                                     const Service& service, bool isServed,
                                     std::unique_ptr<upstream::InFlight>& flight);

/// What the exchanges of one served connection go through, by the snapshot in force when each begins. The worker's
/// thread.
class ServiceWays final : public serve::Ways {
 public:
  /// All outlive it. `identity`: SPIFFE id that the caller's proxy proved. `isConnected`: the tap knows of a server.
  ServiceWays(WorkerContext& context, const relay::ConnectionFacts& facts, std::string_view identity,
              LiveConnection& live, relay::Tap& tap, bool isConnected)
      : context_(context), facts_(facts), identity_(identity), live_(live), tap_(tap), isConnected_(isConnected) {}

  serve::Way now() override;
  io::Task<Result<std::unique_ptr<serve::Connection>>> dial(std::optional<SocketAddress> server, bool fresh,
                                                            Monotonic deadline) override;
  void keep(std::unique_ptr<serve::Connection> connection) override;

 private:
  WorkerContext& context_;
  const relay::ConnectionFacts& facts_;
  const std::string_view identity_;
  LiveConnection& live_;
  relay::Tap& tap_;
  bool isConnected_;
};

}  // namespace loam::server
