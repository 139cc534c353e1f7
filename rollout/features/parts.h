#pragma once

#include <string_view>
#include <vector>

#include "proxy/filters/settings.h"
#include "rollout/features/feature.h"

/// What the files of the features have in common.
namespace loam::features {

inline constexpr Stage kOff{.name = "off"};

/// A stage that reads along and says what enforcing would do.
constexpr Stage simulate(std::string_view capability) {
  return {.name = "simulate", .beside = true, .capability = capability};
}

/// Feature::settings and Feature::complete of a struct of proxy/filters.
template <class S>
Json::Value settingsOf(std::string_view stage, const Json::Value& given, std::vector<FieldProblem>& problems) {
  const auto purpose = stage == "off" ? filters::Purpose::Keep : filters::Purpose::Use;
  return filters::canonical<S>(given, problems, purpose);
}

/// The typed settings, whatever is wrong with them: that was said when they were read.
template <class S>
S typed(const Json::Value& settings) {
  std::vector<FieldProblem> unseen;
  return filters::read<S>(settings, unseen, filters::Purpose::Keep);
}

template <class S>
Json::Value completeOf(const Json::Value& settings) {
  return filters::write(typed<S>(settings));
}

/// Feature::needs of what works on any connection.
std::vector<Need> needsNothing(const Target& target);
/// Of what acts on exchanges as soon as it is "on", and before that beside the relay.
std::vector<Need> needsServeWhenOn(const Target& target);
/// That of all it covers the codec is in the way, not the relay.
Need servedWhole();

}  // namespace loam::features
