#include "proxy/server/service_table.h"

#include <algorithm>

#include "proxy/base/stable_hash.h"
#include "proxy/filters/settings.h"

namespace loam::server {

namespace {

constexpr std::uint32_t kBuckets = 100'000;

std::string unitOf(const relay::ConnectionFacts& facts) { return facts.client.text() + ">" + facts.destination.text(); }

filters::MtlsGate mtlsGate(const wire::FeatureConfig& feature, const std::string& of,
                           std::vector<std::string>& unknown) {
  std::vector<FieldProblem> problems;
  auto settings = filters::read<filters::MtlsSettings>(feature.settings, problems, filters::Purpose::Keep);
  if (!problems.empty()) unknown.push_back("the settings of mtls for " + of + " (" + loam::text(problems) + ")");
  return {filters::mtlsStageOf(feature.stage),
          filters::UnitShare(feature.share, feature.salt, feature.include, feature.exclude), std::move(settings)};
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
    if (feature.feature == "mtls") service.mtls = mtlsGate(feature, service.name, unknown);
  }
}

}  // namespace

ObserveGate::ObserveGate(const wire::FeatureConfig& config)
    : stage_(config.stage == "on"        ? Stage::On
             : config.stage == "sampled" ? Stage::Sampled
                                         : Stage::Off),
      bound_(static_cast<std::uint32_t>(config.share)),
      salt_(config.salt) {}

bool ObserveGate::admits(const relay::ConnectionFacts& facts) const {
  if (stage_ != Stage::Sampled) return stage_ == Stage::On;
  return bound_ == kBuckets || bucketOf(salt_, unitOf(facts)) < bound_;
}

std::vector<std::string> ServiceTable::capabilities() {
  return {std::string(wire::kDrainCapability),
          "mtls.observe",
          "mtls.permissive",
          "mtls.prefer",
          "mtls.strict",
          "observe.on",
          "observe.sampled"};
}

Result<ServiceTable> ServiceTable::make(const wire::Snapshot& snapshot) {
  ServiceTable table;
  table.generation_ = snapshot.generation;
  table.drained_ = snapshot.drained;
  std::vector<std::string> unknown;
  table.otherwise_.name = "every service";
  addFeatures(table.otherwise_, snapshot.defaults, unknown);
  for (const wire::ServiceConfig& config : snapshot.services) {
    Service service = table.otherwise_;
    service.name = config.name;
    service.captured = config.captured;
    if (config.pin) service.pin = config.pin->protocol;
    addFeatures(service, config.features, unknown);
    if (service.mtls.isOn()) service.admission.push_back(std::make_shared<const filters::MtlsFilter>(service.mtls));
    service.proxies = config.proxies;
    for (const wire::Caller& caller : config.callers) {
      for (const IpAddress& address : caller.addresses) service.callers.emplace(address, caller.name);
    }
    table.meetsPeers_ = table.meetsPeers_ || service.mtls.isOn();
    for (const SocketAddress& endpoint : config.endpoints) {
      table.byAddress_.emplace(endpoint, table.services_.size());
      if (!config.captured && endpoint.port != 0) table.notCaptured_.push_back(endpoint);
    }
    table.services_.push_back(std::move(service));
  }
  table.otherwise_.mtls = {};  // who is no service that this proxy was told of is no peer of it
  if (!unknown.empty()) {
    std::string list;
    for (const std::string& one : unknown) list.append(list.empty() ? "" : ", ").append(one);
    return fail(ErrorCode::Unsupported, "this proxy cannot carry out " + list);
  }
  std::sort(table.notCaptured_.begin(), table.notCaptured_.end());
  return table;
}

std::string Service::callerAt(const IpAddress& client) const {
  const auto found = callers.find(client);
  return found == callers.end() ? client.text() : found->second;
}

const Service* ServiceTable::findExactly(const SocketAddress& destination) const {
  const auto found = byAddress_.find(destination);
  return found == byAddress_.end() || destination.port == 0 ? nullptr : &services_[found->second];
}

const Service* ServiceTable::find(const SocketAddress& destination) const {
  if (byAddress_.empty()) return nullptr;
  auto found = byAddress_.find(destination);
  if (found == byAddress_.end()) found = byAddress_.find(SocketAddress{destination.ip, 0});
  return found == byAddress_.end() ? nullptr : &services_[found->second];
}

}  // namespace loam::server
