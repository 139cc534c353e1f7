#pragma once

#include "proxy/relay/leg.h"
#include "proxy/server/connection.h"

namespace loam::server {

/// The way to the server of one connection: a socket, or TLS to the proxy beside it.
struct Upstream {
  std::unique_ptr<io::Socket> socket;
  std::unique_ptr<tls::Stream> stream;
  relay::Security security{};
  std::string identity{};  ///< SPIFFE id of that proxy

  relay::Leg leg() const { return stream ? relay::Leg(*stream) : relay::Leg(*socket); }
};

/// Dials the destination itself, from the client's address where this host can.
io::Task<Result<Upstream>> dialDirectly(WorkerContext& context, relay::ConnectionFacts facts,
                                        Monotonic deadline = io::kNever);

/// The same by what the service's `mtls` flag says of this caller: through the peer at `prefer` (else directly, with
/// the reason) and `strict` (else not at all: Denied). Timeout at the deadline, a handshake's included.
io::Task<Result<Upstream>> dialUpstream(WorkerContext& context, relay::ConnectionFacts facts, const Service& service,
                                        Monotonic deadline = io::kNever);

}  // namespace loam::server
