#include "proxy/serve/serving.h"

#include "proxy/relay/reset.h"

namespace loam::serve {

namespace {

using relay::CloseReason;
using relay::Direction;
using Filled = Input::Filled;
using State = BodyPump::State;

constexpr seconds kGoodbye{2};                  // for a client to read what was said last
constexpr std::size_t kMostDropped = 64 << 10;  // of what he says meanwhile; as Http1Input::drain
constexpr unsigned kMostInterims = 32;          // they wait for a client who does not read
constexpr std::size_t kMostLineEnds = 64;       // bytes of them before a request

/// Whether these first bytes are no request of HTTP/1 at all: no method begins so, or they are HTTP/2's preface.
bool isForeign(std::string_view bytes) {
  const bool isLetter = (bytes[0] | 0x20) >= 'a' && (bytes[0] | 0x20) <= 'z';
  return !isLetter || bytes.starts_with("PRI * HTTP/2.0\r\n");
}

}  // namespace

Serving::Serving(Resources& resources, const filters::ServeSettings& settings, relay::Leg client, relay::Leg server,
                 relay::Tap& tap, relay::Relayed& progress)
    : resources_(resources),
      settings_(settings),
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
  resources_.counters.requests.add();
  asked_ = {.head = head.method == "HEAD", .connect = head.method == "CONNECT", .keepsAlive = head.facts.keepAlive};
  requestPlan_ = asked_.connect ? http::BodyPlan() : http::requestBody(head.facts);
  const Status written = toServer_.write(bytes);
  requests_.take(length);
  first_ = false;
  lineEnds_ = 0;
  interims_ = 0;
  asking_ = true;
  // A server that is gone has perhaps said something before: who looks for its answer finds out.
  return written || again_ ? Turn::Go : refuse(Fault::ServerEnded);
}

io::Task<Serving::Turn> Serving::exchange() {
  BodyPump request(requests_, toServer_, requestPlan_);
  for (;;) {
    const bool more = request.advance();
    if (const auto turn = lookAtAnswer()) {
      if (*turn != Turn::Go) co_return *turn;
      co_return co_await carryAnswer(request);
    }
    if (const auto turn = faultOf(request)) co_return *turn;
    if (more) {
      co_await client_.socket().loop().yield();
      continue;
    }
    const bool heard = co_await untilEither(now() + settings_.stallTimeout);
    if (!heard) co_return refuse(request.state() == State::Open ? Fault::RequestStalled : Fault::AnswerStalled);
  }
}

std::optional<Serving::Turn> Serving::lookAtAnswer() {
  for (;;) {
    if (const auto length = answers_.headLength()) {
      bool isFinal = false;
      const Turn turn = judgeAnswer(*length, isFinal);
      if (isFinal || turn != Turn::Go) return turn;
      continue;
    }
    if (answers_.bytes().size() >= settings_.maxHead) return refuse(Fault::AnswerHeadTooLong);
    const auto filled = answers_.fill(settings_.maxHead);
    if (filled && *filled == Filled::Some) continue;
    if (filled && *filled == Filled::NothingYet) return std::nullopt;
    // It let an idle connection go just when this request came: the client knows that from servers, and asks again.
    if (again_ && answers_.bytes().empty()) return Turn::End;
    return refuse(Fault::ServerEnded);
  }
}

Serving::Turn Serving::judgeAnswer(std::size_t length, bool& isFinal) {
  if (length > settings_.maxHead) return refuse(Fault::AnswerHeadTooLong);
  http::ResponseHead head;
  const std::string_view bytes = answers_.bytes().substr(0, length);
  const http::HeadFault fault = http::parseResponseHead(bytes, http::Strictness::Strict, fields(), head);
  if (fault != http::HeadFault::None) return refuse(Fault::AnswerHead);
  const bool tunnels = head.status == 101 || (asked_.connect && head.status / 100 == 2);
  isFinal = head.status >= 200 || tunnels;
  if (!isFinal && ++interims_ > kMostInterims) return refuse(Fault::AnswerHead);
  if (isFinal && !tunnels) answerPlan_ = http::responseBody(head, asked_.head);
  answering_ = isFinal;
  keeps_ = head.facts.keepAlive && asked_.keepsAlive;
  const Status written = toClient_.write(bytes);
  answers_.take(length);
  if (!written) return Turn::ClientCut;
  if (tunnels) resources_.counters.tunnels.add();
  return tunnels ? Turn::Tunnel : Turn::Go;
}

std::optional<Serving::Turn> Serving::faultOf(const BodyPump& request) {
  if (request.state() == State::BadFraming) return refuse(Fault::BodyFraming);
  const bool gone = request.state() == State::Cut || request.state() == State::SourceBroken;
  if (gone || client_.socket().isBroken()) return Turn::ClientCut;
  return std::nullopt;
}

io::Task<Serving::Turn> Serving::carryAnswer(BodyPump& request) {
  BodyPump answer(answers_, toClient_, answerPlan_);
  for (;;) {
    const bool moreUp = request.advance();
    const bool moreDown = answer.advance();
    if (const auto turn = endOf(answer, request)) co_return *turn;
    if (moreUp || moreDown) {
      co_await client_.socket().loop().yield();
      continue;
    }
    const bool heard = co_await untilEither(now() + settings_.stallTimeout);
    if (!heard) co_return refuse(Fault::AnswerStalled);
  }
}

std::optional<Serving::Turn> Serving::endOf(const BodyPump& answer, const BodyPump& request) {
  if (answer.state() == State::BadFraming) return refuse(Fault::AnswerFraming);
  if (answer.state() == State::Cut || answer.state() == State::SourceBroken) return refuse(Fault::ServerEnded);
  if (answer.state() == State::SinkBroken || client_.socket().isBroken()) return Turn::ClientCut;
  if (answer.state() == State::Open) return faultOf(request);
  const auto flushed = toClient_.flush();
  if (!flushed) return Turn::ClientCut;
  if (!*flushed) return std::nullopt;
  const bool isWhole = request.state() == State::Done && toServer_.isFlushed();
  asking_ = !isWhole;
  answering_ = false;
  again_ = true;
  return keeps_ && isWhole && !answer.lastsUntilEnd() ? Turn::Go : Turn::End;
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

void Serving::answer() {
  const std::string text = answerOf(refusal_, !asking_ || !asked_.head);
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
