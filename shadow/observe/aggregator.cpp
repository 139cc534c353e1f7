#include "shadow/observe/aggregator.h"

#include <utility>

namespace loam::observe {

using decode::Protocol;
using relay::CloseReason;

namespace {

bool bringsTls(const Connection& connection) { return connection.tls != 0 || connection.protocol == Protocol::Tls; }

/// Something is not as it should be with the peer or with this proxy: not the application's doing.
bool isFault(relay::Security::State state) {
  using State = relay::Security::State;
  return state == State::HandshakeFailed || state == State::UnknownPeer || state == State::Suspended ||
         state == State::NoIdentity;
}

/// As its proxy told it, but that what has TLS of its own is no plaintext; a fault stays one.
relay::Security securityOf(const Connection& connection) {
  const relay::Security told = relay::Security::ofCode(connection.security);
  if (!told.isPlaintext() || isFault(told.state) || !bringsTls(connection)) return told;
  return {relay::Security::State::OwnTls, 0};
}

}  // namespace

Aggregator::Aggregator(const Clock& clock, std::uint64_t seed, const Owners& owners, Pins& pins, NameCollector& names,
                       AggregatorLimits limits)
    : clock_(clock),
      limits_(limits),
      owners_(owners),
      pins_(pins),
      names_(names),
      identities_(limits.identities),
      edges_(seed, limits.edges, limits.routes, identities_) {}

void Aggregator::drain() {
  wallOffset_ = clock_.wall().time_since_epoch() - clock_.now().time_since_epoch();
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) {
    workers_[worker].channel->drain([this](const Text& text) { texts_.put(text.hash, text.view()); },
                                    [this, worker](const Observation& record) { take(worker, record); });
  }
}

void Aggregator::take(std::uint32_t worker, const Observation& record) {
  if (record.kind == RecordKind::Opened) return open(worker, record);
  if (record.kind == RecordKind::Verdict) return noteVerdict(record);
  auto& connections = workers_[worker].connections;
  const std::uint32_t slot = record.connection.slot;
  if (slot >= connections.size() || !connections[slot].live || connections[slot].serial != record.connection.serial) {
    ++lostRecords_;  // of a connection that found no room
    return;
  }
  Connection& connection = connections[slot];
  switch (record.kind) {
    case RecordKind::Security:
    case RecordKind::Protocol:
    case RecordKind::Tls:
      return learn(connection, record);
    case RecordKind::Exchange:
    case RecordKind::Bytes:
      connection.said = true;
      if (connection.settled) return count(connection, record);
      connection.held.push_back(record);
      ++held_;
      if (connection.held.size() >= kMostHeld || held_ >= limits_.held) settle(connection);
      return;
    case RecordKind::Name:
      return noteName(connection, record);
    case RecordKind::Lost:
      ++lostDecoders_;
      return;
    case RecordKind::Closed:
      return close(connection, record);
    case RecordKind::Opened:
    case RecordKind::Verdict:
      return;
  }
}

void Aggregator::open(std::uint32_t worker, const Observation& record) {
  auto& connections = workers_[worker].connections;
  const std::uint32_t slot = record.connection.slot;
  if (slot >= limits_.connections) {
    ++lostRecords_;
    return;
  }
  while (slot >= connections.size()) connections.emplace_back();
  Connection& connection = connections[slot];
  if (connection.live) letGo(connection);  // its end was lost
  connection = Connection{};
  connection.client = record.body.opened.client;
  connection.destination = record.body.opened.destination;
  connection.generation = record.body.opened.generation;
  connection.openedAt = record.at;
  connection.serial = record.connection.serial;
  connection.sight = sightOf(static_cast<relay::Vantage>(record.detail));
  connection.live = true;
  ++live_;
  unsettled_.push_back({worker, record.connection});
}

void Aggregator::learn(Connection& connection, const Observation& record) {
  const EdgeKey before = keyOf(connection, connection.counted);
  if (record.kind == RecordKind::Security) {
    connection.security = record.code;
    identities_.release(connection.identity);
    const std::uint64_t text = record.body.text;
    connection.identity = text == 0 ? Identities::kNone : identities_.acquire(texts_.find(text));
  } else if (record.kind == RecordKind::Tls) {
    connection.tls = record.code;
  } else {
    connection.protocol = static_cast<Protocol>(record.detail);
  }
  if (!connection.settled) return;
  if (record.kind == RecordKind::Protocol) {
    pins_.learn(connection.destination, connection.protocol);
    connection.counted = connection.protocol;
  }
  if (keyOf(connection, connection.counted) != before && connection.edge != Connection::kNoEdge) {
    edges_.release(std::exchange(connection.edge, Connection::kNoEdge));
  }
  if (bringsTls(connection) && !std::exchange(connection.tlsCounted, true)) {
    const std::uint32_t edge = edgeOf(connection);
    ++edges_.counts(edge, bucketOf(connection.openedAt)).tlsConnections;
  }
}

void Aggregator::count(Connection& connection, const Observation& record) {
  if (record.kind == RecordKind::Exchange) return countExchange(connection, record);
  const auto& bytes = record.body.bytes;
  if (bytes.sent == 0 && bytes.received == 0) return;
  const std::uint32_t edge = edgeOf(connection);
  wire::Counts& counts = edges_.counts(edge, bucketOf(record.at));
  counts.bytesSent += bytes.sent;
  counts.bytesReceived += bytes.received;
}

void Aggregator::countExchange(Connection& connection, const Observation& record) {
  const auto& exchange = record.body.exchange;
  const auto outcome = static_cast<decode::Outcome>(record.detail);
  const std::int64_t start = bucketOf(record.at);
  // An exchange belongs to what was spoken when it ended: the upgrade to WebSocket is HTTP's.
  const bool same = exchange.protocol == connection.counted || exchange.protocol == Protocol::Unknown;
  const std::uint32_t edge = same ? edgeOf(connection) : edges_.acquire(keyOf(connection, exchange.protocol), uptime());
  const auto add = [&](wire::Counts& counts) {
    ++counts.requests;
    if (outcome == decode::Outcome::Error) ++counts.errors;
    if (exchange.totalNs >= 0) counts.latency.record(static_cast<std::uint64_t>(exchange.totalNs / 1000));
  };
  add(edges_.counts(edge, start));
  if (exchange.route != 0) add(edges_.routeCounts(edge, start, exchange.route, texts_));
  if (edges_.isOther(edge)) ++otherEdges_;
  if (!same) edges_.release(edge);
  if (exchange.protocol == Protocol::Grpc && !connection.serviceNamed) noteService(connection, exchange.route);
}

void Aggregator::close(Connection& connection, const Observation& record) {
  const auto reason = static_cast<CloseReason>(record.detail);
  if (record.body.bytes.sent != 0 || record.body.bytes.received != 0) connection.said = true;
  if (!connection.settled) settle(connection);
  count(connection, record);
  const bool denied = reason == CloseReason::Denied;
  const bool failed = denied || reason == CloseReason::UpstreamRefused || reason == CloseReason::UpstreamUnreachable;
  const bool reset = reason == CloseReason::DownstreamReset || reason == CloseReason::UpstreamReset;
  if (failed || reset) {
    const std::uint32_t edge = edgeOf(connection);
    wire::Counts& counts = edges_.counts(edge, bucketOf(failed ? connection.openedAt : record.at));
    if (failed) ++counts.failedConnections;
    if (denied) ++counts.denied;
    if (reset) ++counts.resets;
  }
  letGo(connection);
}

void Aggregator::letGo(Connection& connection) {
  if (!connection.settled) settle(connection);
  if (connection.edge != Connection::kNoEdge) edges_.release(connection.edge);
  identities_.release(std::exchange(connection.identity, Identities::kNone));
  if (closed_[0].size() < kMostRecentlyClosed) closed_[0].push_back({connection.client, connection.destination});
  connection.live = false;
  connection.edge = Connection::kNoEdge;
  --live_;
}

void Aggregator::settle(Connection& connection) {
  connection.settled = true;
  connection.counted = connection.protocol;
  if (connection.protocol != Protocol::Unknown) {
    pins_.learn(connection.destination, connection.protocol);
  } else {
    const auto pin = connection.said ? std::nullopt : pins_.find(connection.destination);
    connection.counted = pin ? pin->protocol : Protocol::Tcp;
  }
  const std::uint32_t edge = edgeOf(connection);
  wire::Counts& counts = edges_.counts(edge, bucketOf(connection.openedAt));
  ++counts.connections;
  connection.tlsCounted = bringsTls(connection);
  if (connection.tlsCounted) ++counts.tlsConnections;
  if (edges_.isOther(edge) || connection.identity == Identities::kOther) ++otherEdges_;
  held_ -= connection.held.size();
  for (const Observation& record : connection.held) count(connection, record);
  connection.held = {};
}

void Aggregator::settleDue() {
  const Monotonic now = clock_.now();
  std::erase_if(unsettled_, [&](const Unsettled& waiting) {
    Connection& connection = workers_[waiting.worker].connections[waiting.connection.slot];
    if (!connection.live || connection.settled || connection.serial != waiting.connection.serial) return true;
    const nanoseconds age = now - connection.openedAt;
    if (age < (connection.protocol == Protocol::Unknown ? kMostSilence : kSettle)) return false;
    settle(connection);
    return true;
  });
}

void Aggregator::askForOwner(Connection& connection) {
  if (connection.owner != 0 || connection.ownersAsked == owners_.generation()) return;
  connection.ownersAsked = owners_.generation();
  connection.owner = owners_.find(connection.client, connection.destination);
  if (connection.owner != 0 && connection.edge != Connection::kNoEdge) {
    edges_.release(std::exchange(connection.edge, Connection::kNoEdge));
  }
}

std::uint32_t Aggregator::edgeOf(Connection& connection) {
  askForOwner(connection);
  if (connection.edge == Connection::kNoEdge) {
    connection.edge = edges_.acquire(keyOf(connection, connection.counted), uptime());
  }
  return connection.edge;
}

EdgeKey Aggregator::keyOf(const Connection& connection, Protocol protocol) const {
  return {.client = connection.client.ip,
          .destination = connection.destination,
          .owner = connection.owner,
          .identity = connection.identity,
          .tls = connection.tls,
          .security = securityOf(connection).code(),
          .sight = connection.sight,
          .protocol = protocol};
}

std::int64_t Aggregator::bucketOf(Monotonic at) const {
  const auto second = std::chrono::floor<seconds>(at.time_since_epoch() + wallOffset_).count();
  return second - second % wire::kBucketSeconds;
}

std::int64_t Aggregator::uptime() const {
  return std::chrono::duration_cast<seconds>(clock_.now().time_since_epoch()).count();
}

void Aggregator::seal(const std::function<void(wire::EdgeReport)>& sink) {
  settleDue();
  edges_.seal(owners_, uptime(), sink);
}

}  // namespace loam::observe
