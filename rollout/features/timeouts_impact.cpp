#include <algorithm>
#include <cmath>

#include "proxy/filters/timeouts.h"
#include "rollout/features/impact.h"
#include "rollout/features/parts.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::ExchangeTimeouts;

constexpr double kProposed = 0.999;  // rollout.md 3.2: a timeout is above the p99.9 that was seen

/// How many took so long or longer. A bucket of the histogram in which the bound lies is open; so is what ended without
/// a time.
Bounds longerThan(milliseconds bound, const wire::Counts& counts) {
  const auto limit = static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(bound).count());
  Bounds longer = Bounds::upTo(counts.requests - std::min(counts.requests, counts.latency.count()));
  for (const auto& [bucket, times] : counts.latency.filled()) {
    const auto [low, high] = Histogram::boundsOf(bucket);
    const bool isLast = bucket + 1 == Histogram::kBuckets;  // whatever is longer stands there too
    if (low >= limit) {
      longer += Bounds::exactly(times);
    } else if (high > limit || isLast) {
      longer += Bounds::upTo(times);
    }
  }
  return longer;
}

/// The bounds that may hold for some exchanges, and what they are called.
struct Held {
  std::string rule;  ///< empty: the service's own
  const ExchangeTimeouts* timeouts;
};

std::vector<Held> heldFor(const filters::TimeoutsSettings& settings, const record::Call& call,
                          const RecordedRoute& route) {
  std::vector<Held> held;
  for (const filters::TimeoutRule& rule : settings.rules) {
    const Fits fits = fitsRoute(rule.match, call, route);
    if (fits != Fits::No) held.push_back({rule.name, &rule.timeouts});
    if (fits == Fits::Yes) return held;
  }
  held.push_back({"", &settings.timeouts});
  return held;
}

/// Adds one kind of bound. `tells`: the record holds the very time that it is of; else only one that is no shorter.
void add(Tables& tables, const std::string& caller, const std::string& named, std::optional<milliseconds> bound,
         const wire::Counts& counts, bool isSure, bool tells) {
  if (!bound || counts.requests == 0) return;
  Bounds longer = longerThan(*bound, counts);
  const bool isOpen = !longer.isExact();
  if (!isSure || !tells) longer.least = 0;
  std::string why;
  if (!tells) {
    why = "the record holds how long exchanges took in all, which is no shorter";
  } else if (!isSure) {
    why = "which rule holds cannot be told";
  } else if (isOpen) {
    why = "the bucket of the histogram that holds the bound is open";
  }
  tables.affects(caller, Counted::Exchanges, named + " " + durationText(*bound), longer, longer.most == 0 ? "" : why);
}

void addAll(Tables& tables, const record::Usage& usage, const RecordedRoute& route, const std::vector<Held>& held) {
  for (const Held& one : held) {
    const std::string before = one.rule.empty() ? "" : one.rule + ": ";
    const bool isSure = held.size() == 1;
    const std::string& caller = usage.call.caller;
    add(tables, caller, before + "request", one.timeouts->request, route.counts, isSure, true);
    add(tables, caller, before + "response", one.timeouts->response, route.counts, isSure, false);
    add(tables, caller, before + "idle", one.timeouts->idle, route.counts, isSure, false);
  }
}

/// The next of 1, 2, 5, 10, ... ms that lies above so many microseconds.
milliseconds roundedUp(double seen) {
  std::int64_t step = 1;
  const auto reached = [&](std::int64_t factor) { return static_cast<double>(step * factor) * 1000 > seen; };
  for (;; step *= 10) {
    for (const std::int64_t factor : {1, 2, 5}) {
      if (reached(factor)) return milliseconds(step * factor);
    }
  }
}

void propose(const wire::Counts& all, Impact& impact) {
  if (all.latency.count() == 0) return;
  const double seen = all.latency.quantile(kProposed);
  const milliseconds value = roundedUp(seen);
  impact.proposals.push_back({"request", durationText(value), all.requests, longerThan(value, all),
                              "above the p99.9 of " + std::to_string(all.latency.count()) + " exchanges, " +
                                  durationText(milliseconds(static_cast<std::int64_t>(std::ceil(seen / 1000))))});
}

}  // namespace

Impact timeoutsImpact(const Question& question) {
  const auto settings = typed<filters::TimeoutsSettings>(question.settings);
  Tables tables;
  wire::Counts all;
  for (const record::Usage& usage : question.traffic.usages) {
    if (!isServed(usage.protocol)) continue;
    tables.saw(usage.call.caller, Counted::Exchanges, usage.tally.counts.requests);
    all.merge(usage.tally.counts);
    for (const RecordedRoute& route : routesOf(usage))
      addAll(tables, usage, route, heldFor(settings, usage.call, route));
  }
  for (const filters::TimeoutRule& rule : settings.rules) {
    if (const std::string why = untold(rule.match); !why.empty()) tables.cannotTell("rule " + rule.name, why);
  }
  if (settings.connect)
    tables.cannotTell("connect " + durationText(*settings.connect), "it keeps no times of dialling");
  Impact impact = std::move(tables).finish();
  impact.apart = false;
  propose(all, impact);
  return impact;
}

}  // namespace loam::features
