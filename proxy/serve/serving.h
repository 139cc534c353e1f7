#pragma once

#include "proxy/serve/ends.h"
#include "proxy/serve/way.h"

namespace loam::serve {

/// A connection that is terminated by the strict codec instead of relayed: one request after the other, each judged
/// before a byte of it goes on, shown to the filters that the snapshot has for it, and forwarded as it came to a server
/// of this connection's own. What the server says is judged alike. The tap sees what it sees of a relayed connection,
/// and the answers that the proxy gives itself. One thread.
class Serving {
 public:
  /// Everything outlives it. `server`: none where it could not be dialled yet.
  Serving(Resources& resources, const filters::ServeSettings& settings, Ways& ways, relay::Leg client,
          std::optional<relay::Leg> server, relay::Tap& tap, relay::Relayed& progress)
      : ends_(resources, settings, client, server, tap), ways_(ways), progress_(progress) {}

  /// To the end of the connection, which it leaves ended or reset on both sides.
  io::Task<relay::CloseReason> run();

 private:
  io::Task<Turn> awaitRequest();
  /// Nothing while what stands in the input is not whole; the same below.
  std::optional<Turn> lookAtRequest();
  std::optional<Turn> lookAtIdleServer();
  Turn judgeRequest(std::size_t length);
  Turn foreign();
  io::Task<relay::CloseReason> tunnel();
  io::Task<void> endBoth();

  Ends ends_;
  Ways& ways_;
  relay::Relayed& progress_;
  std::size_t lineEnds_ = 0;  // bytes that were passed over before the request that is awaited
  bool first_ = true;         // no request went on yet
};

}  // namespace loam::serve
