#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "proxy/io/listener.h"
#include "proxy/relay/flow.h"
#include "proxy/relay/tap.h"
#include "proxy/serve/serving.h"
#include "proxy/server/counters.h"
#include "proxy/server/live_connections.h"
#include "proxy/server/loop_guard.h"
#include "proxy/server/missed.h"
#include "proxy/server/peers.h"
#include "proxy/server/service_table.h"

namespace loam::server {

class ServerPool;

/// Where a connection came in.
struct Entry {
  relay::Vantage vantage = relay::Vantage::Explicit;
  SocketAddress to{};       ///< explicit entries only: the one destination
  bool forProxies = false;  ///< other proxies come here, over mutual TLS: a preface says the destination
};

/// How this host lets the proxy dial so that the server sees the client's address.
struct DialTerms {
  std::uint32_t mark = 0;             ///< of own dials; 0 where nothing is captured
  std::uint32_t transparentMark = 0;  ///< of dials that bind the client's foreign address
  bool transparent = false;
};

/// What the connections of one worker share. One thread, but `onBypass` may be called from it for a thread-safe
/// receiver.
struct WorkerContext {
  io::EventLoop& loop;
  relay::Resources& resources;
  serve::Resources& serving;
  relay::TapFactory& taps;
  Counters& counters;
  LiveConnections& live;
  LoopGuard& loopGuard;
  PeerIdentity& identity;
  Peers& peers;
  filter::VerdictSink& verdicts;
  DialTerms terms;
  std::shared_ptr<const ServiceTable> services;  ///< swapped between two events of the loop
  Missed missed;                                 ///< destinations that it does not know
  ServerPool& idle;                              ///< servers that wait for the next exchange
  /// Asks that the next connections to a destination go past the proxy, so that their clients meet the real answer.
  /// `done` is called from any thread once that holds, or never will.
  std::function<void(const SocketAddress&, std::function<void()> done)> onBypass;
};

/// The way of one connection: original destination, loop guard, connection filters, dial at once from the client's
/// address, relay with the tap beside. Reads not a byte before the upstream is there, so that a server that speaks
/// first is heard without delay.
io::Task<void> carry(WorkerContext& context, io::Accepted accepted, Entry entry);

/// The same of a connection that another proxy brings: handshake, preface, filters, dial, answer, relay. Only to
/// endpoints of this host that the snapshot names, of services whose `mtls` flag says so.
io::Task<void> carryFromPeer(WorkerContext& context, io::Accepted accepted);

}  // namespace loam::server
