#include "proxy/filters/fault.h"

#include <algorithm>

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

}  // namespace

Impact faultImpact(const Question& question) {
  const auto settings = typed<FaultSettings>(question.settings);
  const Counted counted = settings.actsOnExchanges() ? Counted::Exchanges : Counted::Connections;
  const std::string what = whatOf(settings);
  Tables tables;
  Bounds sum;
  for (const record::Usage& usage : question.traffic.usages) {
    const std::string& caller = usage.call.caller;
    Bounds hit;
    if (!settings.actsOnExchanges()) {
      tables.saw(caller, counted, usage.tally.counts.connections);
      hit = boundsOf(fitsCall(settings.match, usage.call), usage.tally.counts.connections);
    } else if (isServed(usage.protocol)) {
      tables.saw(caller, counted, usage.tally.counts.requests);
      for (const RecordedRoute& route : routesOf(usage))
        hit += boundsOf(fitsRoute(settings.match, usage.call, route), route.counts.requests);
    }
    // What is held is spared beyond so many at once, and how many that would be is not known.
    const bool holds = settings.delay || settings.bytesPerSecond;
    if (holds && hit.least > settings.mostAtOnce) hit.least = settings.mostAtOnce;
    if (hit.most != 0) tables.affects(caller, counted, what, hit);
    sum += hit;
  }
  if (const std::string why = untold(settings.match); !why.empty()) tables.cannotTell("match", why);
  Impact impact = std::move(tables).finish();
  constexpr double kDay = 86'400;
  const graph::Window& window = question.traffic.calls.header.window;
  if (sum.most != 0 && window.to > window.from) {
    const double days = static_cast<double>(window.to - window.from) / kDay;
    impact.notes.push_back("about " + std::to_string(static_cast<std::uint64_t>(static_cast<double>(sum.most) / days)) +
                           " a day at 100 %, where every day is like the window; a smaller percentage is done to its share");
  }
  return impact;
}

}  // namespace loam::features
