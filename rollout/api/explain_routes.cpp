// Why a connection was refused: what the proxies beside its destination would say of it now, and what they said before.
#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "proxy/base/nearest.h"
#include "rollout/api/explain_view.h"
#include "rollout/api/flag_routes.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using http::Response;

constexpr const char* kWindow = "-7d";
constexpr std::size_t kMostAttempts = 50;
constexpr std::size_t kMostRefusals = 200;

/// What the fleet knows around the destination, taken along to the reading thread.
struct Scene {
  std::string service;
  std::vector<SocketAddress> destinations;
  std::vector<IpAddress> clients;
  struct Proxy {
    fleet::Agent agent;
    std::string snapshot;
  };
  std::map<std::string, Proxy> proxies;                       // those that asked
  std::map<SocketAddress, std::vector<std::string>> besides;  // names, by destination
  std::uint64_t epoch = 0;
};

Error notFound(const std::string& what, std::string_view wanted, const std::vector<std::string>& names) {
  return {ErrorCode::NotFound, what + didYouMean(wanted, names), ErrorOrigin::Local, false};
}

/// "billing:5432" -> ("billing", 5432); a name without a port has 0.
std::pair<std::string, std::uint16_t> splitPort(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 0};
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return {text, 0};
  return {text.substr(0, colon), port};
}

Status findDestination(const fleet::Topology& topology, const std::string& text, Scene& scene) {
  if (const auto address = SocketAddress::parse(text)) {
    auto service = topology.serviceAt(*address);
    if (!service) service = topology.serviceAt({address->ip, 0});
    if (!service) return fail(ErrorCode::NotFound, "destination: the record knows no service at " + address->text());
    scene.service = *service;
    scene.destinations = {*address};
    return {};
  }
  const auto whole = topology.services.find(text);
  const auto [name, port] = whole == topology.services.end() ? splitPort(text) : std::pair(text, std::uint16_t{0});
  const auto place = topology.services.find(name);
  if (place == topology.services.end()) {
    std::vector<std::string> names;
    for (const auto& [service, where] : topology.services) names.push_back(service);
    return fail(notFound("destination: no service is called \"" + name.substr(0, 128) + "\"", name, names));
  }
  scene.service = name;
  for (const SocketAddress& endpoint : place->second.endpoints) {
    if (endpoint.port != 0 && (port == 0 || endpoint.port == port)) scene.destinations.push_back(endpoint);
  }
  if (!scene.destinations.empty()) return {};
  return fail(ErrorCode::NotFound, "destination: " + name + " has no endpoint with port " + std::to_string(port));
}

Status findClients(const fleet::Place& place, const std::string& text, Scene& scene) {
  if (const auto ip = IpAddress::parse(text)) {
    scene.clients = {*ip};
    return {};
  }
  if (const auto address = SocketAddress::parse(text)) {  // as an application's log has it
    scene.clients = {address->ip};
    return {};
  }
  for (const wire::Caller& caller : place.callers) {
    if (caller.name == text) scene.clients = caller.addresses;
  }
  if (!scene.clients.empty()) return {};
  return fail(notFound("client: nobody called \"" + text.substr(0, 128) + "\" is known to call " + scene.service +
                           "; an address can be asked about too",
                       text, place.callerNames()));
}

/// On the loop's thread, which the fleet belongs to.
Result<Scene> sceneOf(const fleet::Fleet& fleet, const http::Request& request) {
  Scene scene;
  const auto topology = fleet.topology();
  for (const char* needed : {"client", "destination"}) {
    if (request.query(needed).empty()) return fail(ErrorCode::InvalidArgument, std::string(needed) + ": is required");
  }
  LOAM_TRY(findDestination(*topology, request.query("destination"), scene));
  const fleet::Place& place = topology->services.at(scene.service);
  LOAM_TRY(findClients(place, request.query("client"), scene));
  for (const SocketAddress& destination : scene.destinations) {
    const auto instance = std::find_if(place.instances.begin(), place.instances.end(),
                                       [&](const auto& one) { return one.address == destination.text(); });
    if (instance != place.instances.end()) scene.besides[destination] = instance->proxies;
    for (const std::string& name : scene.besides[destination]) {
      const auto agent = fleet.agent(name);
      auto snapshot = fleet.snapshotOf(name);
      if (agent && snapshot) scene.proxies.try_emplace(name, Scene::Proxy{*agent, *std::move(snapshot)});
    }
  }
  scene.epoch = fleet.epoch();
  return scene;
}

/// What the named proxy would say of the attempt; `outcome` is unknown where nobody can tell, with `why`.
Json::Value ask(const Scene& scene, const std::string& name, const fleet::Attempt& attempt,
                const std::map<std::string, wire::Snapshot>& snapshots, const flags::Desired& desired) {
  Json::Value out(Json::objectValue);
  out["outcome"] = "unknown";
  const auto proxy = scene.proxies.find(name);
  if (proxy == scene.proxies.end()) {
    out["why"] = name.empty() ? "no proxy stands beside this address: nobody refuses connections to it for Loam"
                              : "the proxy has not asked for its snapshot since the controller began";
    return out;
  }
  const auto& services = snapshots.at(name).services;
  const auto service = std::find_if(services.begin(), services.end(),
                                    [&](const wire::ServiceConfig& one) { return one.name == scene.service; });
  if (proxy->second.agent.killed) {
    out["outcome"] = "admitted";
    out["why"] = "killed on its own host: it refuses nobody";
  } else if (service == services.end()) {
    out["outcome"] = "admitted";
    out["why"] = "the proxy was not told of this service yet, and refuses nothing that it does not know";
  } else if (const auto explanation = fleet::explain(*service, attempt); explanation) {
    out = view(*explanation, scene.service, desired);
  } else {
    out["why"] = explanation.error().context;
  }
  out["snapshot"] = generationsView(proxy->second.agent, scene.epoch);
  return out;
}

/// Empty for plaintext; that is asked about where nothing was proven.
std::set<std::string> identitiesOf(const record::Calls& calls, const IpAddress& client, const SocketAddress& to) {
  std::set<std::string> identities;
  for (const record::Call& call : calls.calls) {
    if (call.client == client && call.destination == to) identities.insert(call.identity);
  }
  for (const auto& [caller, sum] : calls.verdicts) {
    if (sum.client == client && sum.destination == to) identities.insert(sum.identity);
  }
  if (identities.empty()) identities.insert(std::string());
  return identities;
}

Result<std::map<std::string, wire::Snapshot>> decode(const Scene& scene) {
  std::map<std::string, wire::Snapshot> snapshots;
  for (const auto& [name, proxy] : scene.proxies) {
    auto snapshot = wire::decodeSnapshot(proxy.snapshot);
    if (!snapshot) return fail(std::move(snapshot).error());
    snapshots.emplace(name, *std::move(snapshot));
  }
  return snapshots;
}

Json::Value connectionsOf(const Scene& scene, const record::Calls& calls, const flags::Desired& desired,
                          const std::map<std::string, wire::Snapshot>& snapshots) {
  Json::Value all(Json::arrayValue);
  for (const SocketAddress& destination : scene.destinations) {
    std::vector<std::string> besides = scene.besides.at(destination);
    if (besides.empty()) besides.emplace_back();
    for (const IpAddress& client : scene.clients) {
      for (const std::string& identity : identitiesOf(calls, client, destination)) {
        for (const std::string& proxy : besides) {
          if (all.size() >= kMostAttempts) return all;
          Json::Value one = ask(scene, proxy, {client, destination, identity}, snapshots, desired);
          one["client"] = client.text();
          one["destination"] = destination.text();
          if (!identity.empty()) one["identity"] = identity;
          if (!proxy.empty()) one["proxy"] = proxy;
          all.append(std::move(one));
        }
      }
    }
  }
  return all;
}

/// The last ones first.
Json::Value refusalsOf(const Scene& scene, const record::Calls& calls) {
  std::vector<record::ServiceVerdict> meant;
  for (const record::ServiceVerdict& verdict : calls.verdicts) {
    const auto isAmong = [](const auto& list, const auto& one) {
      return std::find(list.begin(), list.end(), one) != list.end();
    };
    if (isAmong(scene.clients, verdict.sum.client) && isAmong(scene.destinations, verdict.sum.destination))
      meant.push_back(verdict);
  }
  std::stable_sort(meant.begin(), meant.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.sum.last, a.sum.enforced) > std::tuple(b.sum.last, b.sum.enforced);
  });
  if (meant.size() > kMostRefusals) meant.resize(kMostRefusals);
  Json::Value all(Json::arrayValue);
  for (const record::ServiceVerdict& verdict : meant) all.append(refusalView(verdict));
  return all;
}

Response explain(const Control& control, const Scene& scene, graph::Window window) {
  auto calls = control.record->calls(window, scene.service);
  if (!calls && calls.error().code == ErrorCode::NotFound) calls = record::Calls{scene.service, {}, {}, {}};
  if (!calls) return problem(calls.error());
  const auto snapshots = decode(scene);
  if (!snapshots) return problem(snapshots.error());
  const auto desired = control.flags.desired();
  Json::Value out(Json::objectValue);
  out["service"] = scene.service;
  out["connections"] = connectionsOf(scene, *calls, *desired, *snapshots);
  out["refusals"] = refusalsOf(scene, *calls);
  out["window"]["from"] = graph::rfc3339(window.from);
  out["window"]["to"] = graph::rfc3339(window.to);
  return ok(out);
}

io::Task<Response> answer(const Control& control, const Call& call) {
  const QueryReader query(call.request, unixSeconds(control.clock.wall()));
  if (const Status known = query.expectOnly({"client", "destination", "from", "to"}); !known)
    co_return problem(known.error());
  const auto window = query.window("from", "to", kWindow);
  if (!window) co_return problem(window.error());
  auto found = sceneOf(control.fleet, call.request);
  if (!found) co_return problem(found.error());
  const auto scene = std::make_shared<const Scene>(*std::move(found));
  Background::Work work = [control, scene, window = *window] { return explain(control, *scene, window); };
  co_return co_await control.reader.run(std::move(work));
}

}  // namespace

void addExplainRoutes(Router& router, const Control& control) {
  router.add(Access::Viewer, "GET", "/v1/explain", [control](const Call& call) { return answer(control, call); });
}

}  // namespace loam::api
