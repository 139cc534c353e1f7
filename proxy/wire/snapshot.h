#pragma once

#include <json/value.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/result.h"
#include "proxy/wire/trust.h"

namespace loam::wire {

/// What one feature is to do for one service.
struct FeatureConfig {
  std::string feature;
  std::string stage;
  std::int32_t share = 100'000;      ///< thousandths of a percent of the stage's unit
  std::string salt;                  ///< of its buckets (bucketOf)
  std::vector<std::string> include;  ///< units that are in whatever the share says; sorted
  std::vector<std::string> exclude;  ///< units that are out; wins; sorted
  Json::Value settings = Json::Value(Json::objectValue);

  bool operator==(const FeatureConfig&) const = default;
};

/// The protocol that a service was seen to speak, learned from the record.
struct ProtocolPin {
  std::string protocol;
  std::uint64_t samples = 0;  ///< connections, as a power of ten: at least so many

  bool operator==(const ProtocolPin&) const = default;
};

/// A service that calls another, and where it calls from.
struct Caller {
  std::string name;
  std::vector<IpAddress> addresses;  ///< sorted

  bool operator==(const Caller&) const = default;
};

struct ServiceConfig {
  std::string name;
  std::vector<SocketAddress> endpoints;  ///< sorted; port 0: every port of the address
  bool captured = true;                  ///< false: connections to it go past the proxies
  std::optional<ProtocolPin> pin;
  std::vector<FeatureConfig> features;  ///< by name; those that are where every service begins are left out
  std::vector<std::string>
      proxies{};  ///< names of those on its hosts, sorted; told with `mtls` and `fault`; empty: nobody knows
  std::vector<Caller> callers{};  ///< by name; told only where a feature above asks who calls

  bool operator==(const ServiceConfig&) const = default;
};

/// The whole configuration of one proxy at one generation. Immutable; the same inputs give the same bytes.
struct Snapshot {
  std::uint64_t epoch = 0;       ///< of the controller's state: greater after a restore
  std::uint64_t generation = 0;  ///< grows within the epoch
  std::string proxy;
  std::vector<FeatureConfig> defaults;  ///< for destinations of no service below, and services that say nothing else
  std::vector<ServiceConfig> services;  ///< by name: those that this proxy's services are or call
  std::optional<Trust> trust{};         ///< absent where nobody has an identity: one host, over a Unix socket
  bool drained = false;                 ///< it captures no new connection; told to proxies with kDrainCapability alone

  bool operator==(const Snapshot&) const = default;
};

constexpr std::size_t kMostSnapshotBytes = 16 * 1024 * 1024;
/// What a proxy says of itself that can be drained. Others refuse a snapshot that says so.
constexpr std::string_view kDrainCapability = "drain";

/// Parts of a snapshot as canonical JSON: who makes a thousand snapshots writes each part once.
std::string encode(const ServiceConfig& service);
std::string encode(const std::vector<FeatureConfig>& features);
struct Parts {
  std::uint64_t epoch = 0;
  std::uint64_t generation = 0;
  std::string_view proxy;
  std::string_view defaults;               ///< encoded features
  std::vector<std::string_view> services;  ///< encoded, by name
  std::string_view trust{};                ///< encoded; empty: none
  bool drained = false;
};
/// One line of canonical JSON; the reverse reads strictly and names every problem.
std::string encode(const Parts& parts);
std::string encode(const Snapshot& snapshot);
Result<Snapshot> decodeSnapshot(std::string_view json);

}  // namespace loam::wire
