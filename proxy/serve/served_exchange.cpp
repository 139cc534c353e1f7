#include "proxy/serve/served_exchange.h"

#include <algorithm>
#include <utility>

#include "proxy/http/path_form.h"
#include "proxy/serve/limits.h"

namespace loam::serve {

namespace {

using filter::Response;
using Filled = Input::Filled;
using State = BodyPump::State;

const filter::Fields kNothing;
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

}  // namespace

ServedExchange::ServedExchange(Ends& ends, Ways& ways) : ends_(ends), ways_(ways) {}

io::Task<Turn> ServedExchange::run() {
  Way way = ways_.now();
  return way.filters == nullptr ? straight() : filtered(std::move(way));
}

io::Task<Turn> ServedExchange::straight() {
  if (!ends_.server) {
    const Status reached = co_await reachServer({}, false, ends_.now() + kDialPatience);
    if (!reached) co_return turn_;
  }
  request_.emplace(ends_.requests, server().requests(), ends_.asked.body);
  Turn turn = sendHead(ends_.requests.bytes().substr(0, ends_.asked.length), {});
  ends_.requests.take(ends_.asked.length);
  if (turn == Turn::Go) turn = co_await reachAnswer();
  if (turn == Turn::Go) turn = co_await deliver(kNothing);
  co_return turn;
}

io::Task<Turn> ServedExchange::filtered(Way way) {
  Resources& shared = ends_.resources;
  journey_ = shared.journeys.lend();
  journey_->head = ends_.requests.bytes().substr(0, ends_.asked.length);
  ends_.requests.take(ends_.asked.length);
  journey_->fields.resize(std::max<std::size_t>(journey_->fields.size(), ends_.settings.maxFields));
  filter::Exchange exchange{ends_.client.socket().loop(), shared.verdicts, shared.tally};
  exchange.connection = way.connection;
  exchange.view = viewOf(journey_->head, journey_->fields, way.connection);
  exchange.began = ends_.now();
  exchange.dice = static_cast<std::uint32_t>(shared.dice());
  const filter::Next first(*way.filters, *this);
  const auto response = co_await first(exchange);
  shared.journeys.giveBack(std::move(journey_));
  if (!response) co_return turn_;
  if (response->from == Response::From::Nowhere) co_return Turn::ServerCut;
  if (response->from == Response::From::Proxy) co_return co_await give(*response->own);
  co_return co_await deliver(exchange.added);
}

io::Task<Result<Response>> ServedExchange::forward(filter::Exchange& exchange) {
  Status sent = co_await send(exchange, false);
  // What was idle may be let go just when it is used again. Who asks for what may be done twice need not know.
  const bool stale = !sent && ends_.away && server().isUsed() && sent.error().code == ErrorCode::Reset;
  if (stale && exchange.sending.repeatable && http::isIdempotent(exchange.view.method)) {
    sent = co_await send(exchange, true);
  }
  if (!sent) co_return fail(std::move(sent).error());
  journey_->answer.assign(answerFields_.begin(), answerFields_.end());
  exchange.view.status = status_;
  exchange.view.responseHeaders = journey_->answer;
  co_return Response{.status = status_};
}

io::Task<Status> ServedExchange::send(filter::Exchange& exchange, bool fresh) {
  bounds_ = exchange.bounds;
  exchange.view.status = {};
  exchange.view.responseHeaders = {};
  exchange.sending = {.reached = false, .repeatable = !request_ || request_->isKept()};
  if (ends_.asking || ends_.away) ends_.dropServer();
  const bool isHome = !exchange.server || (ends_.server && *exchange.server == exchange.connection.destination);
  if (!isHome || !ends_.server) {
    const Monotonic connected = ends_.now() + bounds_.connect.value_or(kDialPatience);
    const Monotonic deadline = std::min({bounds_.end, bounds_.head, connected});
    Status reached = co_await reachServer(exchange.server, fresh, deadline);
    if (!reached) co_return fail(std::move(reached).error());
  }
  exchange.sending.reached = true;
  turn_ = sendHead(journey_->head, exchange.target);
  if (!request_) {
    request_.emplace(ends_.requests, server().requests(), ends_.asked.body);
    request_->keep(exchange.keeps);
  } else {
    request_->again(server().requests());
  }
  if (turn_ == Turn::Go) turn_ = co_await reachAnswer();
  exchange.sending.repeatable = request_->isKept() && interims_ == 0;
  if (turn_ != Turn::Go) co_return fail(ends_.whyNoAnswer(turn_));
  co_return Status();
}

io::Task<Status> ServedExchange::reachServer(std::optional<SocketAddress> to, bool fresh, Monotonic deadline) {
  auto dialled = co_await ways_.dial(to, fresh, deadline);
  if (!dialled) {
    turn_ = ends_.refuse(dialled.error().code == ErrorCode::Timeout ? Fault::ConnectTimedOut : Fault::NoServer);
    co_return fail(std::move(dialled).error());
  }
  if (to) {
    ends_.away = std::make_unique<ServerEnd>(*std::move(dialled), ends_.tap, ends_.resources.buffers);
  } else {
    ends_.server.emplace(*std::move(dialled), ends_.tap, ends_.resources.buffers);
  }
  co_return Status();
}

Turn ServedExchange::sendHead(std::string_view head, const std::optional<std::string>& changed) {
  if (!std::exchange(counted_, true)) ends_.resources.counters.requests.add();
  Output& out = server().requests();
  Status written;
  if (!changed) {
    written = out.write(head);
  } else {
    const std::size_t before = head.find(' ') + 1;
    const std::size_t behind = head.find(' ', before);
    written = out.write(std::string(head.substr(0, before)).append(*changed).append(head.substr(behind)));
  }
  ends_.asking = true;
  sentWhole_ = Monotonic::max();
  // A server that is gone has perhaps said something before: who looks for its answer finds out.
  return written || server().isUsed() ? Turn::Go : ends_.refuse(Fault::ServerEnded);
}

io::Task<Turn> ServedExchange::reachAnswer() {
  BodyPump& request = *request_;
  for (;;) {
    const bool more = request.advance();
    const bool isSent = request.state() == State::Done && server().requests().isFlushed();
    if (isSent && sentWhole_ == Monotonic::max()) sentWhole_ = ends_.now();
    if (const auto turn = lookAtAnswer()) co_return *turn;
    if (const auto turn = faultOfRequest()) co_return *turn;
    if (more) {
      co_await ends_.client.socket().loop().yield();
      if (ends_.now() >= due()) co_return ends_.refuse(late());
      continue;
    }
    // Where the server does not take what is there already, the client is not to blame.
    const bool waitsForClient = request.state() == State::Open && server().requests().isFlushed();
    const auto fault = co_await standstill(waitsForClient ? Fault::RequestStalled : Fault::AnswerStalled);
    if (fault) co_return ends_.refuse(*fault);
  }
}

std::optional<Turn> ServedExchange::lookAtAnswer() {
  for (;;) {
    if (const auto length = answers().headLength()) {
      bool isFinal = false;
      const Turn turn = judgeAnswer(*length, isFinal);
      if (isFinal || turn != Turn::Go) return turn;
      continue;
    }
    if (answers().bytes().size() >= ends_.settings.maxHead) return ends_.refuse(Fault::AnswerHeadTooLong);
    const auto filled = answers().fill(ends_.settings.maxHead);
    if (filled && *filled == Filled::Some) continue;
    if (filled && *filled == Filled::NothingYet) return std::nullopt;
    // It let an idle connection go just when this request came: the client knows that from servers, and asks again.
    if (!ends_.away && server().isUsed() && answers().bytes().empty()) return Turn::End;
    return ends_.refuse(Fault::ServerEnded);
  }
}

Turn ServedExchange::judgeAnswer(std::size_t length, bool& isFinal) {
  if (length > ends_.settings.maxHead) return ends_.refuse(Fault::AnswerHeadTooLong);
  http::ResponseHead head;
  const std::string_view bytes = answers().bytes().substr(0, length);
  const http::HeadFault fault = http::parseResponseHead(bytes, http::Strictness::Strict, ends_.fields(), head);
  if (fault != http::HeadFault::None) return ends_.refuse(Fault::AnswerHead);
  tunnels_ = head.status == 101 || (ends_.asked.connect && head.status / 100 == 2);
  isFinal = head.status >= 200 || tunnels_;
  if (isFinal) {
    if (!tunnels_) answerPlan_ = http::responseBody(head, ends_.asked.head);
    keeps_ = head.facts.keepAlive && ends_.asked.keepsAlive;
    answerLength_ = length;
    status_ = head.status;
    answerFields_ = head.fields;
    return Turn::Go;
  }
  if (++interims_ > kMostInterims) return ends_.refuse(Fault::AnswerHead);
  answers().goesOn(length);
  const Status written = ends_.toClient.write(bytes);
  answers().take(length);
  return written ? Turn::Go : Turn::ClientCut;
}

std::optional<Turn> ServedExchange::faultOfRequest() {
  const State state = request_->state();
  if (state == State::BadFraming) return ends_.refuse(Fault::BodyFraming);
  const bool gone = state == State::Cut || state == State::SourceBroken;
  if (gone || ends_.client.socket().isBroken()) return Turn::ClientCut;
  return std::nullopt;
}

Monotonic ServedExchange::due() const {
  const Monotonic bound = std::min(bounds_.end, bounds_.head);
  if (!bounds_.answer || sentWhole_ == Monotonic::max()) return bound;
  return std::min(bound, sentWhole_ + *bounds_.answer);
}

io::Task<std::optional<Fault>> ServedExchange::standstill(Fault stalled) {
  const Monotonic now = ends_.now();
  Monotonic bound = ends_.answering ? bounds_.end : due();
  if (bounds_.idle) bound = std::min(bound, now + *bounds_.idle);
  const Monotonic stall = now + ends_.settings.stallTimeout;
  const bool heard = co_await ends_.untilEither(std::min(bound, stall));
  if (heard) co_return std::nullopt;
  co_return bound <= stall ? late() : stalled;
}

Fault ServedExchange::late() const {
  return ends_.now() >= bounds_.head && ends_.now() < bounds_.end ? Fault::TryTimedOut : Fault::TimedOut;
}

}  // namespace loam::serve
