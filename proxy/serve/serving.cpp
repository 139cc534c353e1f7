#include "proxy/serve/serving.h"

#include "proxy/relay/reset.h"
#include "proxy/serve/limits.h"

namespace loam::serve {

namespace {

using relay::CloseReason;
using relay::Direction;
using Filled = Input::Filled;

constexpr seconds kGoodbye{2};                  // for a client to read what was said last
constexpr std::size_t kMostDropped = 64 << 10;  // of what he says meanwhile; as Http1Input::drain

}  // namespace

Serving::Serving(Resources& resources, const filters::ServeSettings& settings, Ways& ways, relay::Leg client,
                 relay::Leg server, relay::Tap& tap, relay::Relayed& progress)
    : resources_(resources),
      settings_(settings),
      ways_(ways),
      client_(client),
      server_(server),
      tap_(tap),
      progress_(progress),
      requests_(Direction::Upstream, client, tap, resources.buffers),
      answers_(Direction::Downstream, server, tap, resources.buffers),
      toServer_(server),
      toClient_(client) {
  if (resources_.fields.size() < settings_.maxFields) resources_.fields.resize(settings_.maxFields);
}

io::Task<CloseReason> Serving::run() {
  resources_.counters.connections.add();
  Turn turn = Turn::Go;
  while (turn == Turn::Go) {
    turn = co_await awaitRequest();
    if (turn == Turn::Go) turn = co_await exchange();
    progress_.upstreamBytes = requests_.total();
    progress_.downstreamBytes = answers_.total();
  }
  if (turn == Turn::Tunnel) co_return co_await tunnel();
  if (turn == Turn::Answer) answer();
  if (turn == Turn::Answer || turn == Turn::End) {
    co_await endBoth();
    co_return CloseReason::Finished;
  }
  relay::closeByReset(server_.socket());
  relay::closeByReset(client_.socket());
  co_return turn == Turn::ServerCut ? CloseReason::UpstreamReset : CloseReason::DownstreamReset;
}

io::Task<Serving::Turn> Serving::awaitRequest() {
  const Monotonic idle = now() + settings_.keepAlive;
  Monotonic deadline = idle;
  for (;;) {
    if (const auto turn = lookAtIdleServer()) co_return *turn;
    if (const auto turn = lookAtRequest()) co_return *turn;
    if (!requests_.bytes().empty() && deadline == idle) deadline = now() + settings_.headTimeout;
    const bool heard = co_await untilEither(deadline);
    if (heard) continue;
    co_return requests_.bytes().empty() ? Turn::End : refuse(Fault::HeadTimeout);
  }
}

std::optional<Serving::Turn> Serving::lookAtRequest() {
  for (;;) {
    // RFC 9112 2.2: line ends before a request are no fault; but who sends nothing else is none to be heard for ever.
    for (; requests_.bytes().starts_with("\r\n"); lineEnds_ += 2) requests_.take(2);
    if (lineEnds_ > kMostLineEnds) return refuse(refusalOf(http::HeadFault::StartLine));
    if (first_ && !requests_.bytes().empty() && isForeign(requests_.bytes())) return foreign();
    if (const auto length = requests_.headLength()) return judgeRequest(*length);
    if (requests_.bytes().size() >= settings_.maxHead) return refuse(Fault::HeadTooLong);
    const auto filled = requests_.fill(settings_.maxHead);
    if (!filled) return Turn::ClientCut;
    if (*filled == Filled::NothingYet) return std::nullopt;
    if (*filled == Filled::Some) continue;
    return requests_.bytes().empty() ? Turn::End : refuse(refusalOf(http::HeadFault::Incomplete));
  }
}

std::optional<Serving::Turn> Serving::lookAtIdleServer() {
  const auto filled = answers_.fill(ReadBuffers::kBytes);
  if (!filled) return Turn::ServerCut;
  if (*filled == Filled::Ended) return Turn::End;
  if (answers_.bytes().empty()) return std::nullopt;
  return first_ ? foreign() : Turn::ServerCut;  // no server of HTTP speaks unasked
}

Serving::Turn Serving::judgeRequest(std::size_t length) {
  if (length > settings_.maxHead) return refuse(Fault::HeadTooLong);
  http::RequestHead head;
  const std::string_view bytes = requests_.bytes().substr(0, length);
  const http::HeadFault fault = http::parseRequestHead(bytes, http::Strictness::Strict, fields(), head);
  if (fault != http::HeadFault::None) {
    resources_.counters.of(fault).add();
    return refuse(refusalOf(fault));
  }
  asked_ = {.head = head.method == "HEAD",
            .connect = head.method == "CONNECT",
            .keepsAlive = head.facts.keepAlive,
            .expects = head.facts.expectation == http::Expectation::Continue,
            .length = length};
  requestPlan_ = asked_.connect ? http::BodyPlan() : http::requestBody(head.facts);
  first_ = false;
  lineEnds_ = 0;
  return Turn::Go;
}

io::Task<CloseReason> Serving::tunnel() {
  const struct {
    Input& from;
    Output& to;
    CloseReason gone;
  } ways[] = {{requests_, toServer_, CloseReason::UpstreamReset}, {answers_, toClient_, CloseReason::DownstreamReset}};
  for (const auto& way : ways) {
    const Status written = way.to.write(way.from.bytes());
    if (!written) co_return way.gone;
    way.from.take(way.from.bytes().size());
    for (;;) {
      const auto flushed = way.to.flush();
      if (!flushed) co_return way.gone;
      if (*flushed) break;
      const bool room = co_await way.to.leg().socket().until(io::Ready::Write, now() + settings_.stallTimeout);
      if (!room) co_return way.gone;
    }
  }
  const relay::Unseen unseen{requests_.unseen(), answers_.unseen()};
  const CloseReason reason = co_await relay::relay(client_, server_, tap_, resources_.relay, progress_, unseen);
  progress_.upstreamBytes += requests_.total();
  progress_.downstreamBytes += answers_.total();
  co_return reason;
}

void Serving::answer() { say(answerOf(refusal_, !asking_ || !asked_.head)); }

void Serving::say(std::string_view text) {
  tap_.onBytes(Direction::Downstream, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
               now());
  const Status written = toClient_.write(text);
  if (!written) relay::closeByReset(client_.socket());
}

io::Task<void> Serving::endBoth() {
  const Monotonic deadline = now() + kGoodbye;
  // A server that was told half a request must not take it for a whole one.
  if (asking_) {
    relay::closeByReset(server_.socket());
  } else {
    const auto told = server_.end();
    if (!told) relay::closeByReset(server_.socket());
  }
  bool told = false;
  while (!told) {
    const auto flushed = toClient_.flush();
    const auto ended = flushed && *flushed ? client_.end() : flushed;
    if (!ended) co_return;
    told = *ended;
    if (told) break;
    const bool room = co_await client_.socket().until(io::Ready::Write, deadline);
    if (!room) co_return;
  }
  // What he still sends is taken until he ends too: closing on it would take the answer from him.
  for (std::size_t dropped = 0; !requests_.hasEnded() && dropped < kMostDropped;) {
    dropped += requests_.bytes().size();
    requests_.take(requests_.bytes().size());
    const auto filled = requests_.fill(ReadBuffers::kBytes);
    if (!filled) co_return;
    if (*filled != Filled::NothingYet) continue;
    const bool heard = co_await client_.socket().until(io::Ready::Read, deadline);
    if (!heard) co_return;
  }
}

Serving::Turn Serving::refuse(Fault fault) {
  resources_.counters.of(fault).add();
  return refuse(refusalOf(fault));
}

Serving::Turn Serving::refuse(Refusal refusal) {
  // Where an answer is under way no other can begin: the client is to see that it was cut.
  if (answering_) return refusal.status < 500 ? Turn::ClientCut : Turn::ServerCut;
  refusal_ = refusal;
  return Turn::Answer;
}

Serving::Turn Serving::foreign() {
  resources_.counters.foreign.add();
  return settings_.onMismatch == filters::ServeSettings::Mismatch::Relay ? Turn::Tunnel : Turn::ClientCut;
}

io::Task<bool> Serving::untilEither(Monotonic deadline) {
  const bool heard = co_await io::Socket::either(client_.socket(), server_.socket(), deadline);
  co_return heard;
}

}  // namespace loam::serve
