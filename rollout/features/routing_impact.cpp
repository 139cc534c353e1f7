#include <algorithm>

#include "proxy/filters/routing.h"
#include "rollout/features/impact.h"
#include "rollout/features/parts.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::Destination;
using filters::RoutingRule;

bool staysThere(const Destination& destination) { return destination.service.empty() && destination.labels.empty(); }

/// Of exchanges that a rule decides on, how many leave the way that they go now: those of the weights are drawn.
Bounds leaving(const RoutingRule& rule, std::uint64_t count, bool isSure) {
  const auto weighs = [](const Destination& one) { return one.weight != 0; };
  const bool anyStays = std::any_of(rule.to.begin(), rule.to.end(),
                                    [&](const Destination& one) { return weighs(one) && staysThere(one); });
  const bool anyLeaves = std::any_of(rule.to.begin(), rule.to.end(),
                                     [&](const Destination& one) { return weighs(one) && !staysThere(one); });
  if (!anyLeaves) return {};
  return isSure && !anyStays ? Bounds::exactly(count) : Bounds::upTo(count);
}

void addRoute(const filters::RoutingSettings& settings, const record::Usage& usage, const RecordedRoute& route,
              Tables& tables) {
  bool isSure = true;
  for (const RoutingRule& rule : settings.rules) {
    const Fits fits = fitsRoute(rule.match, usage.call, route);
    if (fits == Fits::No) continue;
    const Bounds leave = leaving(rule, route.counts.requests, isSure && fits == Fits::Yes);
    if (leave.most != 0) {
      tables.affects(usage.call.caller, Counted::Exchanges, rule.name, leave,
                     leave.isExact()               ? ""
                     : isSure && fits == Fits::Yes ? "its weights draw"
                                                   : "which rule fits cannot be told");
    }
    isSure = isSure && fits == Fits::Yes;
    if (fits == Fits::Yes) return;
  }
}

}  // namespace

Impact routingImpact(const Question& question) {
  const auto settings = typed<filters::RoutingSettings>(question.settings);
  Tables tables;
  for (const record::Usage& usage : question.traffic.usages) {
    if (!isServed(usage.protocol)) continue;
    tables.saw(usage.call.caller, Counted::Exchanges, usage.tally.counts.requests);
    for (const RecordedRoute& route : routesOf(usage)) addRoute(settings, usage, route, tables);
  }
  for (const RoutingRule& rule : settings.rules) {
    if (const std::string why = untold(rule.match); !why.empty()) tables.cannotTell("rule " + rule.name, why);
  }
  if (!settings.overrides.empty()) tables.cannotTell("overrides", "it keeps no headers");
  Impact impact = std::move(tables).finish();
  impact.notes.emplace_back("affected is what would go elsewhere; how that answers is not in the record: shadow tells");
  return impact;
}

}  // namespace loam::features
