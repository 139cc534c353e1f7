#include "rollout/features/feature.h"

#include <algorithm>

namespace loam::features {

std::string_view name(Unit unit) {
  switch (unit) {
    case Unit::None:
      return "";
    case Unit::Connection:
      return "connection";
    case Unit::Request:
      return "request";
    case Unit::Instance:
      return "instance";
    case Unit::Source:
      return "source";
    case Unit::SourceIdentity:
      return "source identity";
  }
  return "";
}

std::optional<std::size_t> Feature::rung(std::string_view stage) const {
  const auto found = std::find_if(ladder.begin(), ladder.end(), [&](const Stage& one) { return one.name == stage; });
  if (found == ladder.end()) return std::nullopt;
  return static_cast<std::size_t>(found - ladder.begin());
}

std::vector<std::string_view> capabilitiesFor(const Feature& feature, const Stage& stage, const Json::Value& settings) {
  if (stage.capability.empty()) return {};
  std::vector<std::string_view> all{stage.capability};
  if (feature.demands == nullptr) return all;
  const auto more = feature.demands({stage.name, settings});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::optional<std::string> refusesMove(const Feature& feature, std::string_view from, std::string_view to) {
  const auto start = feature.rung(from);
  const auto end = feature.rung(to);
  if (!start || !end) {
    return std::string(feature.name) + " has no stage " + inQuotes(start ? to : from);
  }
  for (std::size_t between = *start + 1; between < *end; ++between) {
    const Stage& passed = feature.ladder[between];
    if (passed.beside) continue;
    return std::string(feature.name) + " goes from " + std::string(from) + " to " + std::string(to) + " by way of " +
           std::string(passed.name) + ": move it there first";
  }
  return std::nullopt;
}

}  // namespace loam::features
