#include "proxy/serve/serving.h"

#include "proxy/relay/reset.h"
#include "proxy/serve/limits.h"
#include "proxy/serve/served_exchange.h"

namespace loam::serve {

namespace {

using relay::CloseReason;
using Filled = Input::Filled;

constexpr seconds kGoodbye{2};                  // for a client to read what was said last
constexpr std::size_t kMostDropped = 64 << 10;  // of what he says meanwhile; as Http1Input::drain

io::Task<Turn> exchange(Ends& ends, Ways& ways) {
  ServedExchange exchange(ends, ways);
  const Turn turn = co_await exchange.run();
  if (turn == Turn::Go && ends.away) ends.leaveAway(ways);
  co_return turn;
}

}  // namespace

io::Task<CloseReason> Serving::run() {
  ends_.resources.counters.connections.add();
  Turn turn = Turn::Go;
  while (turn == Turn::Go) {
    turn = co_await awaitRequest();
    if (turn == Turn::Go) turn = co_await exchange(ends_, ways_);
    progress_.upstreamBytes = ends_.requests.total();
    progress_.downstreamBytes = ends_.fromServers();
  }
  if (turn == Turn::Tunnel) co_return co_await tunnel();
  if (turn == Turn::Answer) ends_.answer();
  if (turn == Turn::Answer || turn == Turn::End) {
    co_await endBoth();
    co_return CloseReason::Finished;
  }
  for (ServerEnd* server : {ends_.away.get(), ends_.server ? &*ends_.server : nullptr}) {
    if (server != nullptr) relay::closeByReset(server->socket());
  }
  relay::closeByReset(ends_.client.socket());
  co_return turn == Turn::ServerCut ? CloseReason::UpstreamReset : CloseReason::DownstreamReset;
}

io::Task<Turn> Serving::awaitRequest() {
  ends_.asked = {};
  const Monotonic idle = ends_.now() + ends_.settings.keepAlive;
  Monotonic deadline = idle;
  for (;;) {
    if (const auto turn = lookAtIdleServer()) co_return *turn;
    if (const auto turn = lookAtRequest()) co_return *turn;
    const bool begun = !ends_.requests.bytes().empty();
    if (begun && deadline == idle) deadline = ends_.now() + ends_.settings.headTimeout;
    const bool heard = co_await ends_.untilEither(deadline);
    if (!heard) co_return begun ? ends_.refuse(Fault::HeadTimeout) : Turn::End;
  }
}

std::optional<Turn> Serving::lookAtRequest() {
  Input& requests = ends_.requests;
  for (;;) {
    // RFC 9112 2.2: line ends before a request are no fault; but who sends nothing else is none to be heard for ever.
    for (; requests.bytes().starts_with("\r\n"); lineEnds_ += 2) requests.take(2);
    if (lineEnds_ > kMostLineEnds) return ends_.refuse(http::HeadFault::StartLine);
    if (first_ && !requests.bytes().empty() && isForeign(requests.bytes())) return foreign();
    if (const auto length = requests.headLength()) return judgeRequest(*length);
    if (requests.bytes().size() >= ends_.settings.maxHead) return ends_.refuse(Fault::HeadTooLong);
    const auto filled = requests.fill(ends_.settings.maxHead);
    if (!filled) return Turn::ClientCut;
    if (*filled == Filled::NothingYet) return std::nullopt;
    if (*filled == Filled::Some) continue;
    return requests.bytes().empty() ? Turn::End : ends_.refuse(http::HeadFault::Incomplete);
  }
}

std::optional<Turn> Serving::lookAtIdleServer() {
  if (!ends_.server) return std::nullopt;
  Input& answers = ends_.server->answers();
  const auto filled = answers.fill(ReadBuffers::kBytes);
  const bool isQuiet = filled && *filled != Filled::Ended && answers.bytes().empty();
  if (!isQuiet && !first_ && !ends_.server->isUsed()) {
    ends_.dropServer();  // exchanges go elsewhere, and it did not wait for one
    return std::nullopt;
  }
  if (!filled) return Turn::ServerCut;
  if (*filled == Filled::Ended) return Turn::End;
  if (answers.bytes().empty()) return std::nullopt;
  return first_ ? foreign() : Turn::ServerCut;  // no server of HTTP speaks unasked
}

Turn Serving::judgeRequest(std::size_t length) {
  if (length > ends_.settings.maxHead) return ends_.refuse(Fault::HeadTooLong);
  http::RequestHead head;
  const std::string_view bytes = ends_.requests.bytes().substr(0, length);
  const http::HeadFault fault = http::parseRequestHead(bytes, http::Strictness::Strict, ends_.fields(), head);
  if (fault != http::HeadFault::None) return ends_.refuse(fault);
  ends_.asked = {.head = head.method == "HEAD",
                 .connect = head.method == "CONNECT",
                 .keepsAlive = head.facts.keepAlive,
                 .expects = head.facts.expectation == http::Expectation::Continue,
                 .length = length};
  if (!ends_.asked.connect) ends_.asked.body = http::requestBody(head.facts);
  first_ = false;
  lineEnds_ = 0;
  return Turn::Go;
}

io::Task<CloseReason> Serving::tunnel() {
  if (ends_.current() == nullptr) co_return CloseReason::UpstreamReset;
  ServerEnd& server = *ends_.current();
  const struct {
    Input& from;
    Output& to;
    CloseReason gone;
  } ways[] = {{ends_.requests, server.requests(), CloseReason::UpstreamReset},
              {server.answers(), ends_.toClient, CloseReason::DownstreamReset}};
  for (const auto& way : ways) {
    way.from.goesOn(way.from.bytes().size());
    const Status written = way.to.write(way.from.bytes());
    if (!written) co_return way.gone;
    way.from.take(way.from.bytes().size());
    for (;;) {
      const auto flushed = way.to.flush();
      if (!flushed) co_return way.gone;
      if (*flushed) break;
      io::Socket& to = way.to.leg().socket();
      const bool room = co_await to.until(io::Ready::Write, ends_.now() + ends_.settings.stallTimeout);
      if (!room) co_return way.gone;
    }
  }
  const relay::Unseen unseen{ends_.requests.unseen(), server.answers().unseen()};
  const CloseReason reason =
      co_await relay::relay(ends_.client, server.leg(), ends_.tap, ends_.resources.relay, progress_, unseen);
  progress_.upstreamBytes += ends_.requests.total();
  progress_.downstreamBytes += ends_.fromServers();
  co_return reason;
}

io::Task<void> Serving::endBoth() {
  const Monotonic deadline = ends_.now() + kGoodbye;
  // A server that was told half a request must not take it for a whole one.
  if (ends_.asking) ends_.dropServer();
  if (ends_.server) {
    const auto told = ends_.server->leg().end();
    if (!told) relay::closeByReset(ends_.server->socket());
  }
  bool told = false;
  while (!told) {
    const auto flushed = ends_.toClient.flush();
    const auto ended = flushed && *flushed ? ends_.client.end() : flushed;
    if (!ended) co_return;
    told = *ended;
    if (told) break;
    const bool room = co_await ends_.client.socket().until(io::Ready::Write, deadline);
    if (!room) co_return;
  }
  // What he still sends is taken until he ends too: closing on it would take the answer from him.
  Input& requests = ends_.requests;
  for (std::size_t dropped = 0; !requests.hasEnded() && dropped < kMostDropped;) {
    dropped += requests.bytes().size();
    requests.take(requests.bytes().size());
    const auto filled = requests.fill(ReadBuffers::kBytes);
    if (!filled) co_return;
    if (*filled != Filled::NothingYet) continue;
    const bool heard = co_await ends_.client.socket().until(io::Ready::Read, deadline);
    if (!heard) co_return;
  }
}

Turn Serving::foreign() {
  ends_.resources.counters.foreign.add();
  return ends_.settings.onMismatch == filters::ServeSettings::Mismatch::Relay ? Turn::Tunnel : Turn::ClientCut;
}

}  // namespace loam::serve
