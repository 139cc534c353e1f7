#include <algorithm>

#include "proxy/http/path_form.h"
#include "proxy/serve/limits.h"
#include "proxy/serve/serving.h"

// One exchange of a served connection: through the filters to the server, and its answer back.
namespace loam::serve {

namespace {

using filter::Response;
using Filled = Input::Filled;
using State = BodyPump::State;

const filter::Fields kNothing;
constexpr std::size_t kMostUnwanted = 64 << 10;    // of a body that nobody wants, for the sake of the connection
constexpr milliseconds kPatienceForUnwanted{250};  // and how long it is waited for

/// The request as the filters see it; `fields` has room for it.
filter::ExchangeView viewOf(std::string_view bytes, std::span<http::HeaderField> fields,
                            const filter::ConnectionView& connection) {
  http::RequestHead head;
  (void)http::parseRequestHead(bytes, http::Strictness::Strict, fields, head);  // which it was judged by already
  const std::string_view authority = http::partsOf(head.target).authority;
  filter::ExchangeView view;
  view.client = connection.client;
  view.destination = connection.destination;
  view.identity = connection.identity;
  view.method = head.method;
  view.authority = authority.empty() ? head.facts.host : authority;  // RFC 9112 3.2.2
  view.path = head.target;
  view.headers = head.fields;
  return view;
}

/// A head with fields more at its end.
std::string withFields(std::string_view head, const filter::Fields& added) {
  constexpr std::string_view kEnd = "\r\n";
  std::string whole(head.substr(0, head.size() - kEnd.size()));
  for (const auto& [name, value] : added) whole.append(name).append(": ").append(value).append(kEnd);
  return whole.append(kEnd);
}

}  // namespace

io::Task<Serving::Turn> Serving::exchange() {
  request_.emplace(requests_, toServer_, requestPlan_);
  bounds_ = {};
  const Way way = ways_.now();
  if (way.filters != nullptr) co_return co_await filtered(way);
  Turn turn = sendHead({});
  if (turn == Turn::Go) turn = co_await reachAnswer();
  if (turn == Turn::Go) turn = co_await deliver(kNothing);
  co_return turn;
}

io::Task<Serving::Turn> Serving::filtered(const Way& way) {
  auto journey = resources_.journeys.lend();
  journey->head = requests_.bytes().substr(0, asked_.length);
  journey->fields.resize(std::max<std::size_t>(journey->fields.size(), settings_.maxFields));
  filter::Exchange exchange{client_.socket().loop(), resources_.verdicts, resources_.tally};
  exchange.connection = way.connection;
  exchange.view = viewOf(journey->head, journey->fields, way.connection);
  exchange.began = now();
  exchange.dice = static_cast<std::uint32_t>(resources_.dice());
  const filter::Next first(*way.filters, *this);
  const auto response = co_await first(exchange);
  resources_.journeys.giveBack(std::move(journey));
  if (!response) co_return turn_;
  if (response->from == Response::From::Nowhere) co_return Turn::ServerCut;
  if (response->from == Response::From::Proxy) co_return co_await give(*response->own);
  co_return co_await deliver(exchange.added);
}

io::Task<Result<Response>> Serving::forward(filter::Exchange& exchange) {
  bounds_ = exchange.bounds;
  turn_ = sendHead(exchange.target);
  if (turn_ == Turn::Go) turn_ = co_await reachAnswer();
  if (turn_ == Turn::Go) co_return Response{.status = status_};
  if (turn_ == Turn::ClientCut) co_return fail(ErrorCode::Closed, "the client is gone", ErrorOrigin::Downstream);
  if (turn_ == Turn::Answer && refusal_.status < 500) {
    co_return fail(ErrorCode::Closed, std::string(refusal_.detail), ErrorOrigin::Downstream);
  }
  const bool late = turn_ == Turn::Answer && refusal_.status == 504;
  co_return fail(late ? ErrorCode::Timeout : ErrorCode::Reset, std::string(refusal_.detail), ErrorOrigin::Upstream);
}

Serving::Turn Serving::sendHead(const std::optional<std::string>& changed) {
  resources_.counters.requests.add();
  const std::string_view bytes = requests_.bytes().substr(0, asked_.length);
  Status written;
  if (!changed) {
    written = toServer_.write(bytes);
  } else {
    const std::size_t before = bytes.find(' ') + 1;
    const std::size_t behind = bytes.find(' ', before);
    written = toServer_.write(std::string(bytes.substr(0, before)).append(*changed).append(bytes.substr(behind)));
  }
  requests_.take(std::exchange(asked_.length, 0));
  interims_ = 0;
  asking_ = true;
  sentWhole_ = Monotonic::max();
  // A server that is gone has perhaps said something before: who looks for its answer finds out.
  return written || again_ ? Turn::Go : refuse(Fault::ServerEnded);
}

io::Task<Serving::Turn> Serving::reachAnswer() {
  BodyPump& request = *request_;
  for (;;) {
    const bool more = request.advance();
    const bool isSent = request.state() == State::Done && toServer_.isFlushed();
    if (isSent && sentWhole_ == Monotonic::max()) sentWhole_ = now();
    if (const auto turn = lookAtAnswer()) co_return *turn;
    if (const auto turn = faultOf(request)) co_return *turn;
    if (more) {
      co_await client_.socket().loop().yield();
      if (now() >= due()) co_return refuse(Fault::TimedOut);
      continue;
    }
    const auto fault =
        co_await standstill(request.state() == State::Open ? Fault::RequestStalled : Fault::AnswerStalled);
    if (fault) co_return refuse(*fault);
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
  tunnels_ = head.status == 101 || (asked_.connect && head.status / 100 == 2);
  isFinal = head.status >= 200 || tunnels_;
  if (isFinal) {
    if (!tunnels_) answerPlan_ = http::responseBody(head, asked_.head);
    keeps_ = head.facts.keepAlive && asked_.keepsAlive;
    answerLength_ = length;
    status_ = head.status;
    return Turn::Go;
  }
  if (++interims_ > kMostInterims) return refuse(Fault::AnswerHead);
  const Status written = toClient_.write(bytes);
  answers_.take(length);
  return written ? Turn::Go : Turn::ClientCut;
}

io::Task<Serving::Turn> Serving::deliver(const filter::Fields& added) {
  answering_ = true;
  const std::string_view bytes = answers_.bytes().substr(0, answerLength_);
  const Status written = toClient_.write(added.empty() ? bytes : std::string_view(withFields(bytes, added)));
  answers_.take(answerLength_);
  if (!written) co_return Turn::ClientCut;
  if (tunnels_) resources_.counters.tunnels.add();
  if (tunnels_) co_return Turn::Tunnel;
  co_return co_await carryAnswer();
}

std::optional<Serving::Turn> Serving::faultOf(const BodyPump& request) {
  if (request.state() == State::BadFraming) return refuse(Fault::BodyFraming);
  const bool gone = request.state() == State::Cut || request.state() == State::SourceBroken;
  if (gone || client_.socket().isBroken()) return Turn::ClientCut;
  return std::nullopt;
}

io::Task<Serving::Turn> Serving::carryAnswer() {
  BodyPump& request = *request_;
  BodyPump answer(answers_, toClient_, answerPlan_);
  for (;;) {
    const bool moreUp = request.advance();
    const bool moreDown = answer.advance();
    if (const auto turn = endOf(answer, request)) co_return *turn;
    if (moreUp || moreDown) {
      co_await client_.socket().loop().yield();
      if (now() >= bounds_.end) co_return refuse(Fault::TimedOut);
      continue;
    }
    const auto fault = co_await standstill(Fault::AnswerStalled);
    if (fault) co_return refuse(*fault);
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

io::Task<Serving::Turn> Serving::give(const filter::OwnAnswer& own) {
  requests_.take(std::exchange(asked_.length, 0));
  // A server that has half an exchange of this connection can have no other.
  bool keeps = !asking_ && asked_.keepsAlive;
  if (keeps) keeps = co_await dropBody();
  say(answerOf(own, !asked_.head, keeps));
  if (!keeps) co_return Turn::End;
  for (;;) {
    const auto flushed = toClient_.flush();
    if (!flushed) co_return Turn::ClientCut;
    if (*flushed) co_return Turn::Go;
    const bool room = co_await client_.socket().until(io::Ready::Write, now() + settings_.stallTimeout);
    if (!room) co_return Turn::ClientCut;
  }
}

io::Task<bool> Serving::dropBody() {
  http::BodyReader reader(requestPlan_, http::Strictness::Strict);
  const Monotonic deadline = now() + kPatienceForUnwanted;
  for (std::size_t dropped = 0; reader.state() == http::BodyReader::State::Open && dropped < kMostUnwanted;) {
    if (asked_.expects) co_return false;  // whether it comes at all, only the client knows
    if (requests_.bytes().empty()) {
      const auto filled = requests_.fill(ReadBuffers::kBytes);
      if (!filled || *filled == Filled::Ended) co_return false;
      if (*filled == Filled::NothingYet) {
        const bool heard = co_await client_.socket().until(io::Ready::Read, deadline);
        if (!heard) co_return false;
      }
      continue;
    }
    const std::size_t count = reader.consume(requests_.bytes());
    requests_.take(count);
    dropped += count;
  }
  co_return reader.state() == http::BodyReader::State::Done;
}

Monotonic Serving::due() const {
  if (!bounds_.answer || sentWhole_ == Monotonic::max()) return bounds_.end;
  return std::min(bounds_.end, sentWhole_ + *bounds_.answer);
}

io::Task<std::optional<Fault>> Serving::standstill(Fault stalled) {
  Monotonic bound = answering_ ? bounds_.end : due();
  if (bounds_.idle) bound = std::min(bound, now() + *bounds_.idle);
  const Monotonic stall = now() + settings_.stallTimeout;
  const bool heard = co_await untilEither(std::min(bound, stall));
  if (heard) co_return std::nullopt;
  co_return bound <= stall ? Fault::TimedOut : stalled;
}

}  // namespace loam::serve
