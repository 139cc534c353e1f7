#include "proxy/serve/served_exchange.h"

// The answer of an exchange on its way to the client.
namespace loam::serve {

namespace {

using Filled = Input::Filled;
using State = BodyPump::State;

constexpr std::size_t kMostUnwanted = 64 << 10;    // of a body that nobody wants, for the sake of the connection
constexpr milliseconds kPatienceForUnwanted{250};  // and how long it is waited for

/// A head with fields more at its end.
std::string withFields(std::string_view head, const filter::Fields& added) {
  constexpr std::string_view kEnd = "\r\n";
  std::string whole(head.substr(0, head.size() - kEnd.size()));
  for (const auto& [name, value] : added) whole.append(name).append(": ").append(value).append(kEnd);
  return whole.append(kEnd);
}

}  // namespace

io::Task<Turn> ServedExchange::deliver(const filter::Fields& added) {
  ends_.answering = true;
  answers().goesOn(answerLength_);
  const std::string_view head = answers().bytes().substr(0, answerLength_);
  const Status written = ends_.toClient.write(added.empty() ? head : std::string_view(withFields(head, added)));
  answers().take(answerLength_);
  if (!written) co_return Turn::ClientCut;
  if (tunnels_) ends_.resources.counters.tunnels.add();
  if (tunnels_) co_return Turn::Tunnel;
  co_return co_await carryAnswer();
}

io::Task<Turn> ServedExchange::carryAnswer() {
  BodyPump answer(answers(), ends_.toClient, answerPlan_);
  for (;;) {
    const bool moreUp = request_->advance();
    const bool moreDown = answer.advance();
    if (const auto turn = endOf(answer)) co_return *turn;
    if (moreUp || moreDown) {
      co_await ends_.client.socket().loop().yield();
      if (ends_.now() >= bounds_.end) co_return ends_.refuse(Fault::TimedOut);
      continue;
    }
    const auto fault = co_await standstill(Fault::AnswerStalled);
    if (fault) co_return ends_.refuse(*fault);
  }
}

std::optional<Turn> ServedExchange::endOf(const BodyPump& answer) {
  const bool gone = answer.state() == State::Cut || answer.state() == State::SourceBroken;
  if (answer.state() == State::BadFraming) return ends_.refuse(Fault::AnswerFraming);
  if (gone) return ends_.refuse(Fault::ServerEnded);
  if (answer.state() == State::SinkBroken || ends_.client.socket().isBroken()) return Turn::ClientCut;
  if (answer.state() == State::Open) return faultOfRequest();
  const auto flushed = ends_.toClient.flush();
  if (!flushed) return Turn::ClientCut;
  if (!*flushed) return std::nullopt;
  const bool isWhole = request_->state() == State::Done && server().requests().isFlushed();
  ends_.asking = !isWhole;
  ends_.answering = false;
  server().markUsed();
  return keeps_ && isWhole && !answer.lastsUntilEnd() ? Turn::Go : Turn::End;
}

io::Task<Turn> ServedExchange::give(const filter::OwnAnswer& own) {
  // The client's own server that has half an exchange can have no other.
  if (ends_.asking && ends_.away) ends_.dropServer();
  bool keeps = !ends_.asking && ends_.asked.keepsAlive;
  if (keeps) keeps = co_await dropBody();
  ends_.say(answerOf(own, !ends_.asked.head, keeps));
  if (!keeps) co_return Turn::End;
  for (;;) {
    const auto flushed = ends_.toClient.flush();
    if (!flushed) co_return Turn::ClientCut;
    if (*flushed) co_return Turn::Go;
    io::Socket& client = ends_.client.socket();
    const bool room = co_await client.until(io::Ready::Write, ends_.now() + ends_.settings.stallTimeout);
    if (!room) co_return Turn::ClientCut;
  }
}

io::Task<bool> ServedExchange::dropBody() {
  if (request_) co_return request_->state() == State::Done;  // a server had some of it
  Input& requests = ends_.requests;
  http::BodyReader reader(ends_.asked.body, http::Strictness::Strict);
  const Monotonic deadline = ends_.now() + kPatienceForUnwanted;
  for (std::size_t dropped = 0; reader.state() == http::BodyReader::State::Open && dropped < kMostUnwanted;) {
    if (ends_.asked.expects) co_return false;  // whether it comes at all, only the client knows
    if (requests.bytes().empty()) {
      const auto filled = requests.fill(ReadBuffers::kBytes);
      if (!filled || *filled == Filled::Ended) co_return false;
      if (*filled == Filled::NothingYet) {
        const bool heard = co_await ends_.client.socket().until(io::Ready::Read, deadline);
        if (!heard) co_return false;
      }
      continue;
    }
    const std::size_t count = reader.consume(requests.bytes());
    requests.take(count);
    dropped += count;
  }
  co_return reader.state() == http::BodyReader::State::Done;
}

}  // namespace loam::serve
