#pragma once

#include "proxy/io/socket.h"
#include "proxy/io/task.h"
#include "proxy/relay/flow.h"
#include "proxy/relay/tap.h"

namespace loam::relay {

/// How many bytes went each way.
struct Relayed {
  CloseReason reason = CloseReason::Finished;
  std::uint64_t upstreamBytes = 0;
  std::uint64_t downstreamBytes = 0;
};

/// Bytes of each direction that come first and that the tap need not see; Tap::kOpaque: all of them.
struct Unseen {
  std::uint64_t upstreamBytes = 0;
  std::uint64_t downstreamBytes = 0;
};

/// Relays between two connected sides until both directions ended or one side broke: byte-exact, half-close as
/// half-close, a reset as a reset behind the data that was accepted before it. Over TLS half-close is close_notify and
/// FIN, a reset a reset of TCP; a FIN alone is a cut, and told as a reset. No deadline, no limit. `progress` is kept up
/// to date for whoever lists connections. Everything borrowed outlives the task. One thread.
io::Task<CloseReason> relay(Leg downstream, Leg upstream, Tap& tap, Resources& resources, Relayed& progress,
                            Unseen unseen = {});

}  // namespace loam::relay
