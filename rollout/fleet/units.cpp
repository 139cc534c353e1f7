#include "rollout/fleet/units.h"

#include <algorithm>

#include "rollout/flags/population.h"

namespace loam::fleet {

std::optional<std::vector<std::string>> unitsOf(features::Unit unit, const Place& place) {
  if (unit == features::Unit::Source || unit == features::Unit::SourceIdentity) return place.callerNames();
  if (unit != features::Unit::Instance) return std::nullopt;
  std::vector<std::string> instances;
  for (const SocketAddress& endpoint : place.endpoints) instances.push_back(endpoint.text());
  return instances;
}

void nameUnits(const flags::Flag& flag, const std::optional<std::vector<std::string>>& units,
               wire::FeatureConfig& config) {
  if (!units || units->size() >= flags::kSmallPopulation || flag.share == flags::kWhole) return;
  const std::vector<std::string> in = flags::switched(flag, *units);
  // Whom somebody named stays named, though the record does not know it yet.
  config.include.insert(config.include.end(), in.begin(), in.end());
  std::sort(config.include.begin(), config.include.end());
  config.include.erase(std::unique(config.include.begin(), config.include.end()), config.include.end());
  config.share = 0;
}

}  // namespace loam::fleet
