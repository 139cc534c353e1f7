#include <Poco/Data/Statement.h>

#include "db/flow_index.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;

template <class T>
using Column = std::vector<T>;

IpAddress addressOf(const std::string& text) { return IpAddress::parse(text).value_or(IpAddress()); }

}  // namespace

void FlowIndex::load(Poco::Data::Session& session) {
  *this = FlowIndex(limits_);
  loadFlows(session);
  loadRoutes(session);
  Column<std::string> names;
  Column<std::uint64_t> values;
  session << "SELECT name, value FROM counters", into(names), into(values), now;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "folded_edges") folds.edges = values[i];
    if (names[i] == "folded_peers") folds.peers = values[i];
    if (names[i] == "folded_routes") folds.routes = values[i];
    if (names[i] == "dropped_claims") folds.claims = values[i];
    if (names[i] == "folded_identities") folds.identities = values[i];
    if (names[i] == "folded_verdicts") folds.verdicts = values[i];
  }
  Column<std::string> claimed;
  session << "SELECT DISTINCT address FROM claims", into(claimed), now;
  for (const std::string& address : claimed) noteKnown(addressOf(address));
}

void FlowIndex::loadFlows(Poco::Data::Session& session) {
  Column<std::int64_t> ids, edges, proxies, uids, firsts, lasts;
  Column<int> prefixes, ports, captured;
  Column<std::string> scopes, clients, servers, protocols, names, vantages, units, exes, tls, securities, identities;
  session << "SELECT f.id, f.edge_id, f.proxy_id, p.name, e.scope, e.client, e.prefix, e.server, e.port, e.protocol, "
             "f.vantage, "
             "f.unit, f.exe, f.uid, f.tls, f.captured, f.security, f.identity, f.first_seen, f.last_seen "
             "FROM flows f JOIN edges e ON e.id = f.edge_id JOIN proxies p ON p.id = f.proxy_id ORDER BY f.id",
      into(ids), into(edges), into(proxies), into(names), into(scopes), into(clients), into(prefixes), into(servers),
      into(ports), into(protocols), into(vantages), into(units), into(exes), into(uids), into(tls), into(captured),
      into(securities), into(identities), into(firsts), into(lasts), now;
  std::vector<std::pair<Place, Edge>> places;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Place place{scopes[i],
                addressOf(clients[i]),
                static_cast<std::uint8_t>(prefixes[i]),
                {addressOf(servers[i]), static_cast<std::uint16_t>(ports[i])},
                protocols[i]};
    graph::Flow flow{.id = ids[i],
                     .client = place.client,
                     .prefix = place.prefix,
                     .owner = {},
                     .destination = place.destination,
                     .protocol = place.protocol,
                     .tls = tls[i],
                     .vantage = vantages[i],
                     .proxy = names[i],
                     .captured = captured[i] != 0,
                     .security = securities[i],
                     .identity = identities[i],
                     .firstSeen = firsts[i],
                     .lastSeen = lasts[i]};
    if (uids[i] >= 0) flow.owner = wire::Owner{units[i], exes[i], static_cast<std::uint32_t>(uids[i])};
    if (flow.owner || flow.vantage == "outbound" || !flow.captured) noteKnown(flow.client);
    flowIds_.emplace(flowKey(edges[i], proxies[i], flow), flow.id);
    ++flowsOfEdge_[edges[i]];
    flows_.emplace(flow.id, std::move(flow));
    places.emplace_back(std::move(place), Edge{edges[i], lasts[i]});
  }
  for (auto& [place, edge] : places) {
    remember(place, edge);
    Edge& stored = edges_.at(place.key());
    stored.lastSeen = std::max(stored.lastSeen, edge.lastSeen);
  }
}

void FlowIndex::loadRoutes(Poco::Data::Session& session) {
  Column<std::int64_t> ids, flows, used;
  Column<std::string> texts;
  session << "SELECT id, route FROM routes", into(ids), into(texts), now;
  for (std::size_t i = 0; i < ids.size(); ++i) routeIds_.emplace(texts[i], ids[i]);
  session << "SELECT flow_id, route_id FROM flow_routes", into(flows), into(used), now;
  for (std::size_t i = 0; i < flows.size(); ++i) flowRoutes_[flows[i]].insert(used[i]);
}

}  // namespace loam::db
