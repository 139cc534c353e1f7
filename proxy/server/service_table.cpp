#include "proxy/server/service_table.h"

#include <algorithm>

#include "proxy/filters/settings.h"
#include "proxy/server/admission.h"
#include "proxy/server/endpoint_choice.h"
#include "proxy/wire/sources.h"

namespace loam::server {

namespace {

filters::ConnectionShare connectionShareOf(const wire::FeatureConfig& config) { return {config.share, config.salt}; }

/// A port that is known to speak something else is relayed whatever its flag says.
bool mayBeHttp1(const std::string& pin) { return pin.empty() || pin == "http1" || pin == "websocket"; }

ServeGate serveGate(const wire::FeatureConfig& feature, const std::string& of, std::vector<std::string>& unknown) {
  std::vector<FieldProblem> problems;
  auto settings = filters::read<filters::ServeSettings>(feature.settings, problems, filters::Purpose::Keep);
  if (!problems.empty()) unknown.push_back("the settings of serve for " + of + " (" + loam::text(problems) + ")");
  const ServeGate::Stage stage = feature.stage == "on" ? ServeGate::Stage::On : ServeGate::Stage::Simulate;
  return {stage, connectionShareOf(feature), std::move(settings)};
}

filters::MtlsGate mtlsGate(const wire::FeatureConfig& feature, const std::string& of,
                           std::vector<std::string>& unknown) {
  auto gate = filters::MtlsGate::make(feature.stage, shareOf(feature), feature.settings);
  if (gate) return *std::move(gate);
  unknown.push_back("the settings of mtls for " + of + " (" + gate.error().context + ")");
  return {};
}

/// What the features of one service make; what this program does not know goes to `unknown`.
void addFeatures(Service& service, const std::vector<wire::FeatureConfig>& features,
                 std::vector<std::string>& unknown) {
  static const std::vector<std::string> kCapabilities = ServiceTable::capabilities();
  for (const wire::FeatureConfig& feature : features) {
    const std::string capability = feature.feature + "." + feature.stage;
    const bool known =
        feature.stage == "off" || std::binary_search(kCapabilities.begin(), kCapabilities.end(), capability);
    if (!known) unknown.push_back(capability + " for " + service.name);
    if (feature.feature == "observe") service.observe = ObserveGate(feature);
    if (feature.feature == "serve")
      service.serve = feature.stage == "off" ? ServeGate() : serveGate(feature, service.name, unknown);
    if (feature.feature == "mtls") service.mtls = mtlsGate(feature, service.name, unknown);
  }
}

}  // namespace

ObserveGate::ObserveGate(const wire::FeatureConfig& config)
    : stage_(config.stage == "on"        ? Stage::On
             : config.stage == "sampled" ? Stage::Sampled
                                         : Stage::Off),
      share_(connectionShareOf(config)) {}

bool ObserveGate::admits(const relay::ConnectionFacts& facts) const {
  return stage_ == Stage::Sampled ? share_.has(facts) : stage_ == Stage::On;
}

ServeGate::ServeGate(Stage stage, filters::ConnectionShare share, filters::ServeSettings settings)
    : stage_(stage),
      share_(std::move(share)),
      settings_(std::make_shared<const filters::ServeSettings>(std::move(settings))) {}

ServeGate::Settings ServeGate::settingsFor(const relay::ConnectionFacts& facts) const {
  return settings_ && serves(facts) ? settings_ : nullptr;
}

ServeGate::Settings ServeGate::simulatedFor(const relay::ConnectionFacts& facts) const {
  return settings_ && !serves(facts) ? settings_ : nullptr;
}

std::vector<std::string> ServiceTable::capabilities() {
  return {"balancing.on",
          "circuit_breaking.on",
          std::string(wire::kDrainCapability),
          "fault.on",
          "mtls.observe",
          "mtls.permissive",
          "mtls.prefer",
          "mtls.strict",
          "observe.on",
          "observe.sampled",
          "policy.enforce",
          "policy.exchanges",
          "policy.simulate",
          "rate_limit.enforce",
          "rate_limit.exchanges",
          "rate_limit.simulate",
          "retries.on",
          "routing.on",
          "serve.on",
          "serve.simulate",
          "timeouts.connect",
          "timeouts.on",
          "timeouts.simulate"};
}

Result<ServiceTable> ServiceTable::make(const wire::Snapshot& snapshot) {
  filters::ServiceLedger ledger;
  return make(snapshot, ledger);
}

Result<ServiceTable> ServiceTable::make(const wire::Snapshot& snapshot, filters::ServiceLedger& ledger) {
  ServiceTable table;
  table.generation_ = snapshot.generation;
  table.drained_ = snapshot.drained;
  std::vector<std::string> unknown;
  table.otherwise_.name = "every service";
  addFeatures(table.otherwise_, snapshot.defaults, unknown);
  for (const wire::FeatureConfig& feature : snapshot.defaults) {
    // They are of one service: there is no caller and no edge of all of them.
    const bool isOfOne = feature.feature == "policy" || feature.feature == "rate_limit";
    if (isOfOne && feature.stage != "off")
      unknown.push_back(feature.feature + "." + feature.stage + " for every service");
  }
  auto clusters = clustersOf(snapshot, ledger);
  if (!clusters) return fail(std::move(clusters).error());
  for (const wire::ServiceConfig& config : snapshot.services) {
    Service service{.name = config.name, .captured = config.captured, .pin = config.pin ? config.pin->protocol : ""};
    service.observe = table.otherwise_.observe;
    service.mtls = table.otherwise_.mtls;
    service.serve = table.otherwise_.serve;
    addFeatures(service, config.features, unknown);
    if (!mayBeHttp1(service.pin)) service.serve = {};
    auto admission = admissionOf(config, ledger);
    if (!admission) return fail(std::move(admission).error());
    service.admission = *std::move(admission);
    auto exchanges = exchangeFiltersOf(config, snapshot.defaults, ledger, *clusters);
    if (!exchanges) return fail(std::move(exchanges).error());
    service.exchanges = *std::move(exchanges);
    if (const auto own = clusters->find(config.name); own != clusters->end()) service.clusters = own->second;
    table.simulates_ = table.simulates_ || service.exchanges.simulate();
    service.rules = rulesOf(config);
    if (!service.rules.empty()) table.rules_.emplace(service.name, service.rules);
    if (service.mtls.isOn()) {
      service.admission.insert(service.admission.begin(), std::make_unique<const filters::MtlsFilter>(service.mtls));
    }
    service.proxies = config.proxies;
    service.callers = wire::callersOf(config);
    table.meetsPeers_ = table.meetsPeers_ || service.mtls.isOn();
    for (const SocketAddress& endpoint : config.endpoints) {
      table.byAddress_.emplace(endpoint, table.services_.size());
      if (!config.captured && endpoint.port != 0) table.notCaptured_.push_back(endpoint);
    }
    table.services_.push_back(std::move(service));
  }
  auto exchanges = exchangeFiltersOf({}, snapshot.defaults, ledger, {});
  if (!exchanges) return fail(std::move(exchanges).error());
  table.otherwise_.exchanges = *std::move(exchanges);
  table.simulates_ = table.simulates_ || table.otherwise_.exchanges.simulate();
  table.otherwise_.mtls = {};  // who is no service that this proxy was told of is no peer of it
  if (!unknown.empty()) {
    std::string list;
    for (const std::string& one : unknown) list.append(list.empty() ? "" : ", ").append(one);
    return fail(ErrorCode::Unsupported, "this proxy cannot carry out " + list);
  }
  std::sort(table.notCaptured_.begin(), table.notCaptured_.end());
  return table;
}

std::vector<guard::ClosedEndpoint> ServiceTable::closed(const std::unordered_set<IpAddress>& host) const {
  std::vector<guard::ClosedEndpoint> closed;
  for (const auto& [endpoint, index] : byAddress_) {
    const filters::MtlsGate& mtls = services_[index].mtls;
    if (endpoint.port == 0 || !host.contains(endpoint.ip) || endpoint.ip.isLoopback()) continue;
    if (mtls.stage(endpoint.port) != filters::MtlsStage::Strict) continue;
    guard::ClosedEndpoint one{endpoint, {}};
    if (!mtls.isForAll()) {
      for (const auto& [address, caller] : services_[index].callers) {
        const bool strict = mtls.stageOf(caller, address, endpoint.port) == filters::MtlsStage::Strict;
        if (strict) one.sources.push_back(address);
      }
      if (one.sources.empty()) continue;
      std::sort(one.sources.begin(), one.sources.end());
    }
    closed.push_back(std::move(one));
  }
  return closed;
}

const Service* ServiceTable::findExactly(const SocketAddress& destination) const {
  const auto found = byAddress_.find(destination);
  return found == byAddress_.end() || destination.port == 0 ? nullptr : &services_[found->second];
}

std::string_view Service::callerAt(const IpAddress& client) const {
  const auto at = callers.find(client);
  return at == callers.end() ? std::string_view() : std::string_view(at->second);
}

const Service* ServiceTable::find(const SocketAddress& destination) const {
  if (byAddress_.empty()) return nullptr;
  auto found = byAddress_.find(destination);
  if (found == byAddress_.end()) found = byAddress_.find(SocketAddress{destination.ip, 0});
  return found == byAddress_.end() ? nullptr : &services_[found->second];
}

}  // namespace loam::server
