#include "proxy/wire/snapshot.h"

#include <limits>

#include "proxy/base/fields.h"
#include "proxy/base/json.h"

namespace loam::wire {

namespace {

constexpr std::int64_t kMostCount = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMostServices = 100'000;
constexpr std::size_t kMostUnits = 100'000;

Json::Value list(const std::vector<std::string>& texts) {
  Json::Value out(Json::arrayValue);
  for (const std::string& text : texts) out.append(text);
  return out;
}

Json::Value put(const FeatureConfig& config) {
  Json::Value out(Json::objectValue);
  out["feature"] = config.feature;
  out["stage"] = config.stage;
  out["share"] = config.share;
  out["salt"] = config.salt;
  if (!config.include.empty()) out["include"] = list(config.include);
  if (!config.exclude.empty()) out["exclude"] = list(config.exclude);
  if (!config.settings.empty()) out["settings"] = config.settings;
  return out;
}

Json::Value put(const Caller& caller) {
  Json::Value out(Json::objectValue);
  out["name"] = caller.name;
  out["addresses"] = Json::Value(Json::arrayValue);
  for (const IpAddress& address : caller.addresses) out["addresses"].append(address.text());
  return out;
}

Json::Value put(const ServiceConfig& service) {
  Json::Value out(Json::objectValue);
  out["name"] = service.name;
  out["endpoints"] = Json::Value(Json::arrayValue);
  for (const SocketAddress& endpoint : service.endpoints) out["endpoints"].append(endpoint.text());
  if (!service.captured) out["captured"] = false;
  if (service.pin) {
    out["pin"]["protocol"] = service.pin->protocol;
    out["pin"]["samples"] = Json::UInt64(service.pin->samples);
  }
  out["features"] = Json::Value(Json::arrayValue);
  for (const FeatureConfig& config : service.features) out["features"].append(put(config));
  if (!service.proxies.empty()) out["proxies"] = list(service.proxies);
  for (const Caller& caller : service.callers) out["callers"].append(put(caller));
  return out;
}

std::uint64_t count(Fields& fields, std::string_view name) {
  fields.require(name);
  return static_cast<std::uint64_t>(fields.integer(name, 0, kMostCount).value_or(0));
}

std::string text(Fields& fields, std::string_view name) {
  fields.require(name);
  return fields.text(name).value_or("");
}

FeatureConfig takeFeature(Fields& fields) {
  FeatureConfig config;
  config.feature = text(fields, "feature");
  config.stage = text(fields, "stage");
  fields.require("share");
  config.share = static_cast<std::int32_t>(fields.integer("share", 0, 100'000).value_or(0));
  config.salt = text(fields, "salt");
  config.include = fields.texts("include", kMostUnits);
  config.exclude = fields.texts("exclude", kMostUnits);
  config.settings = fields.value("settings");
  return config;
}

std::vector<FeatureConfig> takeFeatures(Fields& fields, std::string_view name) {
  std::vector<FeatureConfig> features;
  for (Fields& feature :
       fields.objects(name, {"feature", "stage", "share", "salt", "include", "exclude", "settings"})) {
    features.push_back(takeFeature(feature));
  }
  return features;
}

Caller takeCaller(Fields& fields) {
  Caller caller{text(fields, "name"), {}};
  for (const std::string& given : fields.texts("addresses", kMostUnits)) {
    if (const auto address = IpAddress::parse(given)) {
      caller.addresses.push_back(*address);
    } else {
      fields.problem("addresses", "expected addresses like 10.0.0.1, not \"" + given + "\"");
    }
  }
  return caller;
}

ServiceConfig takeService(Fields& fields) {
  ServiceConfig service;
  service.name = text(fields, "name");
  for (const std::string& endpoint : fields.texts("endpoints", kMostUnits)) {
    if (auto address = SocketAddress::parse(endpoint)) {
      service.endpoints.push_back(*address);
    } else {
      fields.problem("endpoints", "expected addresses like 10.0.0.1:80, not \"" + endpoint + "\"");
    }
  }
  service.captured = fields.boolean("captured").value_or(true);
  if (auto pin = fields.object("pin", {"protocol", "samples"})) {
    service.pin = ProtocolPin{text(*pin, "protocol"), count(*pin, "samples")};
  }
  service.features = takeFeatures(fields, "features");
  service.proxies = fields.texts("proxies", kMostUnits);
  for (Fields& caller : fields.objects("callers", {"name", "addresses"}, kMostUnits)) {
    service.callers.push_back(takeCaller(caller));
  }
  return service;
}

}  // namespace

std::string encode(const ServiceConfig& service) { return writeJson(put(service)); }

std::string encode(const std::vector<FeatureConfig>& features) {
  Json::Value out(Json::arrayValue);
  for (const FeatureConfig& config : features) out.append(put(config));
  return writeJson(out);
}

/// Members stand in the order of their names, as in all canonical JSON.
std::string encode(const Parts& parts) {
  std::string out = "{\"defaults\":" + std::string(parts.defaults);
  if (parts.drained) out += ",\"drained\":true";
  out += ",\"epoch\":" + std::to_string(parts.epoch) + ",\"generation\":" + std::to_string(parts.generation);
  out += ",\"proxy\":" + writeJson(std::string(parts.proxy)) + ",\"services\":[";
  for (std::size_t i = 0; i < parts.services.size(); ++i) out.append(i == 0 ? "" : ",").append(parts.services[i]);
  out += ']';
  if (!parts.trust.empty()) out.append(",\"trust\":").append(parts.trust);
  return out + "}";
}

std::string encode(const Snapshot& snapshot) {
  std::vector<std::string> services;
  for (const ServiceConfig& service : snapshot.services) services.push_back(encode(service));
  const std::string defaults = encode(snapshot.defaults);
  const std::string trust = snapshot.trust ? encode(*snapshot.trust) : "";
  return encode(Parts{snapshot.epoch,
                      snapshot.generation,
                      snapshot.proxy,
                      defaults,
                      {services.begin(), services.end()},
                      trust,
                      snapshot.drained});
}

Result<Snapshot> decodeSnapshot(std::string_view json) {
  if (json.size() > kMostSnapshotBytes) return fail(ErrorCode::InvalidArgument, "a snapshot of more than 16 MiB");
  const auto value = parseJson(json);
  if (!value) return fail(value.error());
  std::vector<FieldProblem> problems;
  Fields fields(*value, "", problems, {"epoch", "generation", "proxy", "defaults", "services", "trust", "drained"});
  Snapshot snapshot;
  snapshot.epoch = count(fields, "epoch");
  snapshot.generation = count(fields, "generation");
  snapshot.proxy = text(fields, "proxy");
  snapshot.defaults = takeFeatures(fields, "defaults");
  fields.require("services");
  for (Fields& service : fields.objects(
           "services", {"name", "endpoints", "captured", "pin", "features", "proxies", "callers"}, kMostServices)) {
    snapshot.services.push_back(takeService(service));
  }
  snapshot.trust = takeTrust(fields, "trust");
  snapshot.drained = fields.boolean("drained").value_or(false);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, loam::text(problems));
  return snapshot;
}

}  // namespace loam::wire
