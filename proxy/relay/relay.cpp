#include "proxy/relay/relay.h"

#include "proxy/relay/reset.h"

namespace loam::relay {

namespace {

using State = Flow::State;

/// Delivers what `from` read before its side broke, then resets the side that still lives. `gone` says whose doing it
/// was.
io::Task<CloseReason> finishBroken(Flow& from, Leg dead, Leg living, CloseReason gone) {
  io::Socket& socket = living.socket();
  // The dead side may have left bytes in our kernel: they were accepted and are delivered first.
  for (;;) {
    const bool more = from.advance();
    if (from.state() == State::SinkBroken) break;
    if (from.isFlushed() && from.state() != State::Open) break;
    if (from.isFlushed() && !dead.mayRead()) break;
    if (more) {
      co_await socket.loop().yield();
      continue;
    }
    const bool room = co_await socket.until(io::Ready::Write, socket.loop().now() + kPatience);
    if (!room) break;
  }
  if (from.isFlushed() && from.state() != State::SinkBroken) co_await closeByResetAfterDelivery(socket);
  closeByReset(socket);
  closeByReset(dead.socket());
  co_return gone;
}

}  // namespace

io::Task<CloseReason> relay(Leg downstream, Leg upstream, Tap& tap, Resources& resources, Relayed& progress,
                            Unseen unseen) {
  Flow up(Direction::Upstream, downstream, upstream, tap, resources, unseen.upstreamBytes);
  Flow down(Direction::Downstream, upstream, downstream, tap, resources, unseen.downstreamBytes);
  for (;;) {
    const bool moreUp = up.advance();
    const bool moreDown = down.advance();
    progress.upstreamBytes = up.bytes();
    progress.downstreamBytes = down.bytes();
    if (up.state() == State::Ended && down.state() == State::Ended) co_return CloseReason::Finished;
    if (downstream.socket().isBroken() || up.state() == State::SourceBroken || down.state() == State::SinkBroken) {
      const CloseReason reason = co_await finishBroken(up, downstream, upstream, CloseReason::DownstreamReset);
      progress.upstreamBytes = up.bytes();
      co_return reason;
    }
    if (upstream.socket().isBroken() || down.state() == State::SourceBroken || up.state() == State::SinkBroken) {
      const CloseReason reason = co_await finishBroken(down, upstream, downstream, CloseReason::UpstreamReset);
      progress.downstreamBytes = down.bytes();
      co_return reason;
    }
    if (moreUp || moreDown) {
      co_await downstream.socket().loop().yield();
    } else {
      co_await io::Socket::either(downstream.socket(), upstream.socket());
    }
  }
}

}  // namespace loam::relay
