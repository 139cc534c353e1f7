#include <algorithm>

#include "proxy/filters/fault.h"
#include "rollout/features/impact.h"
#include "rollout/features/parts.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::FaultSettings;

std::string whatOf(const FaultSettings& settings) {
  std::string text;
  const auto add = [&text](const std::string& one) { text.append(text.empty() ? "" : ", ").append(one); };
  if (settings.delay) add("delay " + durationText(*settings.delay));
  if (settings.abort) add("abort");
  if (settings.answer) add("answer");
  if (settings.bytesPerSecond) add("bandwidth");
  return text;
}

Bounds boundsOf(Fits fits, std::uint64_t count) {
  if (fits == Fits::No) return {};
  return fits == Fits::Yes ? Bounds::exactly(count) : Bounds::upTo(count);
}

struct Hit {
  std::string caller;
  Bounds bounds;
};

std::vector<Hit> hitsOf(const FaultSettings& settings, const record::Traffic& traffic, Tables& tables) {
  std::vector<Hit> hits;
  for (const record::Usage& usage : traffic.usages) {
    const std::string& caller = usage.call.caller;
    Hit hit{caller, {}};
    if (!settings.actsOnExchanges()) {
      tables.saw(caller, Counted::Connections, usage.tally.counts.connections);
      hit.bounds = boundsOf(fitsCall(settings.match, usage.call), usage.tally.counts.connections);
    } else if (isServed(usage.protocol)) {
      tables.saw(caller, Counted::Exchanges, usage.tally.counts.requests);
      for (const RecordedRoute& route : routesOf(usage))
        hit.bounds += boundsOf(fitsRoute(settings.match, usage.call, route), route.counts.requests);
    }
    hits.push_back(std::move(hit));
  }
  return hits;
}

/// How much that is in a day like those of the window.
std::string perDay(std::uint64_t count, const graph::Window& window) {
  constexpr double kDay = 86'400;
  const double days = static_cast<double>(window.to - window.from) / kDay;
  return std::to_string(static_cast<std::uint64_t>(static_cast<double>(count) / days));
}

}  // namespace

Impact faultImpact(const Question& question) {
  const auto settings = typed<FaultSettings>(question.settings);
  const Counted counted = settings.actsOnExchanges() ? Counted::Exchanges : Counted::Connections;
  Tables tables;
  const std::vector<Hit> hits = hitsOf(settings, question.traffic, tables);
  Bounds sum;
  for (const Hit& hit : hits) sum += hit.bounds;
  // What is held is spared beyond so many at once, and how many that would be is not known.
  const bool spares = (settings.delay || settings.bytesPerSecond) && sum.most > settings.mostAtOnce;
  for (const Hit& hit : hits) {
    if (hit.bounds.most == 0) continue;
    tables.affects(hit.caller, counted, whatOf(settings), spares ? Bounds::upTo(hit.bounds.most) : hit.bounds,
                   spares ? "beyond most_at_once some are spared" : "");
  }
  if (const std::string why = untold(settings.match); !why.empty()) tables.cannotTell("match", why);
  Impact impact = std::move(tables).finish();
  const graph::Window& window = question.traffic.calls.header.window;
  if (sum.most != 0 && window.to > window.from) {
    impact.notes.push_back(
        "about " + perDay(sum.most, window) +
        " a day at 100 %, where every day is like the window; a smaller percentage is done to its share");
  }
  return impact;
}

}  // namespace loam::features
