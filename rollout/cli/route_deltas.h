#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace loam::cli {

/// What one route of one edge has more than at the look before.
struct RouteDelta {
  std::string edge;   ///< "frontend -> checkout http1/80"
  std::string route;  ///< empty: the edge has none; `count` is of connections then
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  double p50Ms = 0;  ///< since the first look

  std::string line() const;
};

/// Turns counters that only grow into what is new.
class RouteDeltas {
 public:
  /// `edges` as the API gives them, always since the same instant. A counter that went back (another proxy's view was
  /// taken) starts anew and gives nothing.
  std::vector<RouteDelta> take(const Json::Value& edges);

 private:
  struct Seen {
    std::uint64_t count = 0;
    std::uint64_t errors = 0;
  };
  void take(RouteDelta now, std::vector<RouteDelta>& out);

  std::map<std::string, Seen> seen_;
};

}  // namespace loam::cli
