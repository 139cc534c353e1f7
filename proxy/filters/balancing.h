#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/filters/form.h"

namespace loam::filters {

enum class Algorithm : std::uint8_t {
  LeastRequest,  ///< the less busy of two drawn
  PeakEwma,      ///< the faster of two drawn, by a decaying peak of its latency
  RoundRobin,
  Random,
  RingHash,
  Maglev,
};

/// What sends the same to the same endpoint.
struct HashKey {
  enum class By : std::uint8_t { Source, Header, Cookie, Query };

  By by = By::Source;
  std::string name;  ///< of the header, cookie or query parameter

  void describe(Form& form);
};

/// Questions that the proxy asks endpoints. Without them an endpoint is healthy until it is ejected: Loam sends nothing
/// of its own unless told to.
struct HealthCheck {
  enum class Kind : std::uint8_t { Tcp, Http, Grpc };

  Kind kind = Kind::Tcp;                ///< connects, asks `path`, or asks grpc.health.v1
  std::string path;                     ///< Http
  std::vector<std::uint16_t> statuses;  ///< that are good; empty: 200 to 299
  std::optional<std::uint16_t> port;    ///< none: the endpoint's own
  milliseconds interval = seconds(10);  ///< Consul's
  milliseconds timeout = seconds(1);
  std::uint32_t healthyAfter = 2;    ///< good answers in a row
  std::uint32_t unhealthyAfter = 3;  ///< failures in a row

  void describe(Form& form);
};

/// Whether near endpoints come first (features.md 1.8).
struct Locality {
  enum class Prefer : std::uint8_t { None, Zone };

  Prefer prefer = Prefer::None;      ///< where the client would have gone anyway is no matter of zones
  std::uint32_t leastEndpoints = 6;  ///< healthy ones in the own zone, else a part goes elsewhere (Envoy's)

  void describe(Form& form);
};

/// Endpoints with certain labels, and an algorithm of their own.
struct Subset {
  std::string name;
  std::map<std::string, std::string> labels;
  std::optional<Algorithm> algorithm;

  void describe(Form& form);
};

/// Connections kept to one endpoint by one worker.
struct PoolSettings {
  std::uint32_t mostIdle = 32;                ///< HTTP/1; nginx's
  milliseconds idle = seconds(3);             ///< Linkerd's: below what servers close after (features.md, pain 14)
  milliseconds life = std::chrono::hours(1);  ///< then a new one, so that new endpoints get their share

  void describe(Form& form);
};

/// Which endpoint of a service gets a connection or exchange, instead of the one that the client chose.
struct BalancingSettings {
  Algorithm algorithm = Algorithm::LeastRequest;  ///< (features.md 1.8)
  std::optional<HashKey> hash;
  std::optional<HealthCheck> health;
  Locality locality;
  std::vector<Subset> subsets;
  PoolSettings pool;
  milliseconds slowStart = seconds(10);  ///< until a new endpoint gets its full share; 0s: at once (dataplane.md 4)
  std::uint32_t panicPercent = 50;       ///< fewer healthy ones than that: all count as such. Envoy's; 0: never

  void describe(Form& form);
};

}  // namespace loam::filters
