#include "proxy/serve/ends.h"

namespace loam::serve {

using relay::Direction;

Ends::Ends(Resources& shared, const filters::ServeSettings& terms, relay::Leg from, std::optional<relay::Leg> to,
           relay::Tap& seenBy)
    : resources(shared),
      settings(terms),
      client(from),
      tap(seenBy),
      requests(Direction::Upstream, from, seenBy, shared.buffers),
      toClient(from) {
  if (to) server.emplace(*to, seenBy, shared.buffers);
  if (resources.fields.size() < settings.maxFields) resources.fields.resize(settings.maxFields);
}

io::Task<bool> Ends::untilEither(Monotonic deadline) {
  ServerEnd* other = current();
  if (other == nullptr) {
    const bool heard = co_await client.socket().until(io::Ready::Read, deadline);
    co_return heard;
  }
  const bool heard = co_await io::Socket::either(client.socket(), other->socket(), deadline);
  co_return heard;
}

void Ends::say(std::string_view text) {
  tap.onBytes(Direction::Downstream, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), now());
  const Status written = toClient.write(text);
  if (!written) relay::closeByReset(client.socket());
}

Turn Ends::refuse(Fault fault) { return refuse(refusalOf(fault), resources.counters.of(fault)); }

Turn Ends::refuse(http::HeadFault fault) { return refuse(refusalOf(fault), resources.counters.of(fault)); }

Turn Ends::refuse(const Refusal& refusal, Counter& counter) {
  if (!answering) {
    refusal_ = refusal;
    refused_ = &counter;
    return Turn::Answer;
  }
  // Where an answer is under way no other can begin: the client is to see that it was cut.
  counter.add();
  return refusal.status < 500 ? Turn::ClientCut : Turn::ServerCut;
}

void Ends::answer() {
  refused_->add();
  say(answerOf(refusal_, !asked.head));
}

Error Ends::whyNoAnswer(Turn turn) const {
  const bool refused = turn == Turn::Answer;
  if (turn == Turn::ClientCut || (refused && refusal_.status < 500)) {
    return {ErrorCode::Closed, "the client is gone or did wrong", ErrorOrigin::Downstream, false};
  }
  const bool late = refused && refusal_.status == 504;
  return {late ? ErrorCode::Timeout : ErrorCode::Reset, std::string(refused ? refusal_.detail : "server_ended"),
          ErrorOrigin::Upstream, true};
}

void Ends::dropServer() {
  fromDropped_ = fromServers();
  if (ServerEnd* dropped = current()) dropped->cut();
  if (away) {
    away.reset();
  } else {
    server.reset();
  }
  asking = false;
}

void Ends::leaveAway(Ways& ways) {
  fromDropped_ = fromServers();
  if (auto kept = away->release()) ways.keep(std::move(kept));
  away.reset();
}

std::uint64_t Ends::fromServers() const {
  std::uint64_t sum = fromDropped_;
  if (server) sum += server->answers().total();
  if (away) sum += away->answers().total();
  return sum;
}

}  // namespace loam::serve
