#include "rollout/fleet/reach.h"

#include <algorithm>
#include <iterator>

#include "rollout/flags/population.h"
#include "rollout/fleet/units.h"

namespace loam::fleet {

namespace {

using features::Unit;
using flags::Flag;
using Names = std::set<std::string>;

const features::Stage* stageOf(const features::Feature& feature, const Flag& flag) {
  const auto rung = feature.rung(flag.stage);
  return rung ? &feature.ladder[*rung] : nullptr;
}

/// Of every service for the flag that holds for all.
std::vector<EdgeTraffic> callsTo(const std::string& service, const Traffic& traffic) {
  std::vector<EdgeTraffic> calls;
  for (const auto& [name, some] : traffic.calls) {
    if (service == name || service == flags::kEveryService) calls.insert(calls.end(), some.begin(), some.end());
  }
  return calls;
}

/// The units that can be told one by one; nothing where they come and go.
std::optional<Names> populationOf(Unit unit, const std::string& service, const Sight& sight) {
  if (service == flags::kEveryService) return std::nullopt;
  static const Place kNowhere;
  const auto place = sight.topology->services.find(service);
  const auto units = unitsOf(unit, place == sight.topology->services.end() ? kNowhere : place->second);
  if (!units) return std::nullopt;
  return Names(units->begin(), units->end());
}

Names without(const Names& all, const Names& these) {
  Names rest;
  std::set_difference(all.begin(), all.end(), these.begin(), these.end(), std::inserter(rest, rest.end()));
  return rest;
}

std::vector<std::string> listOf(const Names& names) { return {names.begin(), names.end()}; }

/// Those whom the flag has at `stage`: none when it is at another.
Names atStage(const Flag& flag, const std::string& stage, const Names& population) {
  if (flag.stage != stage || flag.isOff()) return {};
  const std::vector<std::string> units(population.begin(), population.end());
  const std::vector<std::string> in = flags::switched(flag, units);
  return {in.begin(), in.end()};
}

Named nameThem(const Flag& before, const Flag& after, const std::string& stage, const Names& population) {
  const Names was = atStage(before, stage, population);
  const Names is = atStage(after, stage, population);
  Named named;
  named.in = listOf(without(is, was));
  named.out = listOf(without(was, is));
  named.staysIn = listOf(without(is, without(is, was)));
  Names either = was;
  either.insert(is.begin(), is.end());
  named.staysOut = listOf(without(population, either));
  Names said(after.include.begin(), after.include.end());
  said.insert(after.exclude.begin(), after.exclude.end());
  named.strange = listOf(without(said, population));
  named.byRank = population.size() < flags::kSmallPopulation;
  return named;
}

/// A stage above holds for all of them, one below for none.
flags::Share shareAt(const Flag& flag, std::string_view stage, const features::Feature& feature) {
  if (flag.stage == stage) return flag.share;
  return feature.rung(flag.stage) > feature.rung(stage) ? flags::kWhole : flags::Share{0};
}

Expected expect(const Flag& before, const Flag& after, const Reach& reach, const features::Feature& feature) {
  std::uint64_t all = 0;
  for (const EdgeTraffic& call : reach.calls) all += reach.unit == Unit::Request ? call.requests : call.connections;
  const double rate = reach.seconds == 0 ? 0 : static_cast<double>(all) / static_cast<double>(reach.seconds);
  return {rate, shareAt(before, reach.stage, feature), shareAt(after, reach.stage, feature)};
}

void lookAtProxies(const std::string& service, const std::vector<std::string_view>& demanded, const Sight& sight,
                   Reach& reach) {
  for (const Carrier& carrier : *sight.carriers) {
    if (service != flags::kEveryService && !carrier.carries(service)) continue;
    reach.carriers.push_back(carrier.name);
    if (carrier.silent) reach.silent.push_back(carrier.name);
    const bool knowsAll = std::all_of(demanded.begin(), demanded.end(), [&](std::string_view capability) {
      return std::binary_search(carrier.capabilities.begin(), carrier.capabilities.end(), capability, std::less<>());
    });
    if (carrier.asked && !knowsAll) reach.lacking.push_back(carrier.name);
  }
}

}  // namespace

bool Carrier::carries(const std::string& service) const { return services.contains(service); }

Reach reachOf(const Flag& before, const Flag& after, const Sight& sight) {
  Reach reach;
  const std::string& service = after.cell.service;
  reach.calls = callsTo(service, *sight.traffic);
  reach.seconds = sight.traffic->seconds;
  Names callers;
  for (const EdgeTraffic& call : reach.calls) callers.insert(call.caller);
  reach.callers = callers.size();
  const std::size_t edges = sight.traffic->edges;
  reach.edgeShare = edges == 0 ? 0 : static_cast<double>(reach.calls.size()) / static_cast<double>(edges);
  const features::Feature* feature = features::find(after.cell.feature);
  const features::Stage* to = feature == nullptr ? nullptr : stageOf(*feature, after);
  const features::Stage* from = feature == nullptr ? nullptr : stageOf(*feature, before);
  const auto demanded =
      to == nullptr ? std::vector<std::string_view>() : features::capabilitiesFor(*feature, *to, after.settings);
  lookAtProxies(service, demanded, sight, reach);
  if (to == nullptr || from == nullptr) return reach;
  const features::Stage& higher = to < from ? *from : *to;
  const features::Stage& lower = to < from ? *to : *from;
  const features::Stage& counted = higher.unit == Unit::None ? lower : higher;
  reach.unit = counted.unit;
  reach.stage = counted.unit == Unit::None ? higher.name : counted.name;
  if (const auto population = populationOf(reach.unit, service, sight)) {
    reach.named = nameThem(before, after, reach.stage, *population);
  } else if (reach.unit == Unit::Connection || reach.unit == Unit::Request) {
    reach.expected = expect(before, after, reach, *feature);
  }
  return reach;
}

}  // namespace loam::fleet
