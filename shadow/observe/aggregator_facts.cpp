// What the aggregator learns and tells beside its counts: names, the socket table's edges, losses, the end.
#include <utility>

#include "shadow/observe/aggregator.h"

namespace loam::observe {

void Aggregator::noteVerdict(const Observation& record) {
  const Observation::Verdict& said = record.body.verdict;
  const std::string rule(texts_.find(said.rule));
  std::string identity(said.identity == 0 ? std::string_view() : texts_.find(said.identity));
  const auto space = rule.find(' ');
  if (space == std::string::npos || identity.empty() != (said.identity == 0)) {
    ++lostRecords_;  // its texts found no room
    return;
  }
  const bool fits = verdicts_.add({.client = said.client,
                                   .destination = said.destination,
                                   .identity = std::move(identity),
                                   .feature = rule.substr(0, space),
                                   .rule = rule.substr(space + 1),
                                   .enforced = record.detail != 0,
                                   .start = bucketOf(record.at),
                                   .count = 1,
                                   .generation = said.generation});
  if (!fits) ++otherEdges_;
}

void Aggregator::noteName(Connection& connection, const Observation& record) {
  const bool sni = static_cast<NameSource>(record.detail) == NameSource::Sni;
  names_.note(connection.destination.ip, connection.destination.port, sni ? "sni" : "host",
              texts_.find(record.body.text));
}

void Aggregator::noteService(Connection& connection, std::uint64_t route) {
  std::string_view text = texts_.find(route);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return;
  text.remove_prefix(slash + 1);
  const auto end = text.find('/');
  if (end == std::string_view::npos) return;
  connection.serviceNamed = true;
  names_.note(connection.destination.ip, connection.destination.port, "grpc", text.substr(0, end));
}

void Aggregator::countUncaptured(const AddressPair& pair, std::uint32_t owner, bool opened) {
  const auto pin = pins_.find(pair.destination);
  const std::int64_t now = unixSeconds(clock_.wall());
  const std::uint32_t edge = edges_.acquire({.client = pair.client.ip,
                                             .destination = pair.destination,
                                             .owner = owner,
                                             .identity = Identities::kNone,
                                             .tls = 0,
                                             .security = 0,
                                             .sight = Sight::Inventory,
                                             .protocol = pin ? pin->protocol : decode::Protocol::Tcp},
                                            uptime());
  wire::Counts& counts = edges_.counts(edge, now - now % wire::kBucketSeconds);
  if (opened) {
    ++counts.connections;
    if (edges_.isOther(edge)) ++otherEdges_;
  }
  edges_.release(edge);
}

AddressPairs Aggregator::captured() {
  std::vector<AddressPair> pairs;
  for (const Worker& worker : workers_) {
    for (const Connection& connection : worker.connections) {
      if (connection.live) pairs.push_back({connection.client, connection.destination});
    }
  }
  for (const auto& closed : closed_) pairs.insert(pairs.end(), closed.begin(), closed.end());
  closed_[1] = std::move(closed_[0]);
  closed_[0].clear();
  return AddressPairs(std::move(pairs));
}

void Aggregator::drainRest() {
  for (std::size_t waiting = 1; waiting > 0; drain()) {
    waiting = 0;
    for (const Worker& worker : workers_) {
      worker.channel->refresh(clock_.now());
      waiting += worker.channel->backlog();
    }
  }
}

wire::Losses Aggregator::losses() const {
  wire::Losses losses{lostRecords_, 0, lostDecoders_, otherEdges_};
  for (const Worker& worker : workers_) losses.records += worker.channel->lost();
  return losses;
}

std::map<std::uint64_t, std::uint64_t> Aggregator::connectionsByGeneration() const {
  std::map<std::uint64_t, std::uint64_t> generations;
  for (const Worker& worker : workers_) {
    for (const Connection& connection : worker.connections) {
      if (connection.live) ++generations[connection.generation];
    }
  }
  return generations;
}

}  // namespace loam::observe
