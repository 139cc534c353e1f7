#pragma once

#include <array>

#include "proxy/base/counter.h"
#include "proxy/relay/security.h"
#include "proxy/serve/counters.h"
#include "proxy/server/peer_fault.h"

namespace loam::server {

/// What one worker counts; on cache lines of its own. Summed over workers when somebody scrapes.
struct alignas(128) Counters {
  Counter accepted;
  Counter active;
  Counter activeCaptured;  ///< of those: that capture led here
  Counter finished;
  Counter resetByDownstream;
  Counter resetByUpstream;
  Counter refused;        ///< upstream refused
  Counter unreachable;    ///< upstream unreachable or timed out
  Counter localFailures;  ///< our own: descriptors, memory, privileges
  Counter denied;         ///< by a feature of the service, before it was dialled
  Counter closed;         ///< live ones that a changed policy no longer admitted
  Counter loopsRefused;   ///< destination was the proxy itself
  Counter tripped;        ///< cut by the tripwire
  Counter bypassRequested;
  Counter sourceKept;  ///< the server saw the client's address
  Counter sourceLost;  ///< it saw this host's instead
  Counter bytesUpstream;
  Counter bytesDownstream;
  /// Connections by a state of security.
  using BySecurity = std::array<Counter, relay::Security::kStates>;

  Counter notObserved;                            ///< left out by the service's `observe` flag
  Counter notAdvertised;                          ///< a proxy asked for what it does not reach here
  std::array<Counter, kPeerFaults> peersRefused;  ///< who came to the port for proxies and was none, by why
  BySecurity bySecurity;                          ///< by what they began with
  BySecurity fallbacks;                           ///< of callers at `prefer` that went on in plaintext, by why
  BySecurity withoutPeer;                         ///< refused, since TLS was not to be had and is a must, by why
  serve::Counters serving;
  filter::Tally tally;
  Counter acceptExhausted;  ///< clients let go because descriptors ran out

  static Counter& of(BySecurity& all, relay::Security security) {
    return all[static_cast<std::size_t>(security.state)];
  }
  Counter& security(relay::Security security) { return of(bySecurity, security); }
  Counter& peerRefused(PeerFault fault) { return peersRefused[static_cast<std::size_t>(fault)]; }
};

}  // namespace loam::server
