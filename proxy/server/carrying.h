#pragma once

#include <optional>

#include "proxy/server/upstream.h"

/// What captured connections and those that other proxies bring have in common.
namespace loam::server {

/// Keeps the gauges of live connections right however the coroutine ends.
class Active {
 public:
  Active(Counters& counters, relay::Vantage vantage)
      : counters_(counters), captured_(vantage == relay::Vantage::Explicit ? 0 : 1) {
    counters_.active.add();
    counters_.activeCaptured.add(captured_);
  }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;
  ~Active() {
    counters_.activeCaptured.subtract(captured_);
    counters_.active.subtract();
  }

 private:
  Counters& counters_;
  const std::uint64_t captured_;
};

/// What the flags say of a destination; of one that no snapshot knows, which is noted, those of every service. Good
/// until the next event of the loop.
const Service& serviceFor(WorkerContext& context, const SocketAddress& destination);
/// Whether this proxy stands beside the destination: it is the callee's side of the connection.
bool isBeside(const WorkerContext& context, const relay::ConnectionFacts& facts);
/// The tap that the service's `observe` flag asks for; the strict codec reads along where its `serve` flag says so.
/// `identity`: SPIFFE id that the caller's proxy proved.
std::unique_ptr<relay::Tap> openTap(WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service,
                                    std::string_view identity);
/// Whether connections to it may go past the proxy: there is no TLS, so not from `prefer` on.
bool mayBypass(const WorkerContext& context, const SocketAddress& destination);
/// False when the connection would come back to this proxy.
bool mayDial(WorkerContext& context, const IpAddress& client, const SocketAddress& destination);
/// What filters see of a connection. `identity`: SPIFFE id that the caller's proxy proved.
filter::ConnectionView viewOf(const WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service,
                              std::string_view identity);
/// Why the callee's side does not admit the connection. Where it does, `live` knows it from now on as one whose client
/// is at `downstream`.
std::optional<filter::Denial> whyNotAdmitted(WorkerContext& context, const relay::ConnectionFacts& facts,
                                             const Service& service, std::string_view identity, io::Socket& downstream,
                                             LiveConnection& live);
/// A server that took the connection and cut it before we saw it open is there: that is its answer, not its absence.
relay::CloseReason reasonOf(const Error& error);
/// Tells tap and counters of an upstream that was not to be had.
void countFailure(WorkerContext& context, relay::Tap& tap, const Error& error);
/// How a connection is carried, as its service said when it began: served under these settings; null: relayed.
using Serve = std::shared_ptr<const filters::ServeSettings>;
/// Relays or serves to the end, and tells everybody who counts. `upstream`: only what is served may lack one yet.
/// `identity`: SPIFFE id that the caller's proxy proved.
io::Task<void> carryAndCount(WorkerContext& context, const relay::ConnectionFacts& facts, relay::Leg downstream,
                             std::optional<relay::Leg> upstream, relay::Tap& tap, LiveConnection& live, Serve serve,
                             std::string identity);

}  // namespace loam::server
