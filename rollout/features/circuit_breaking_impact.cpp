#include <algorithm>

#include "proxy/filters/circuit_breaking.h"
#include "rollout/features/failures.h"
#include "rollout/features/impact.h"
#include "rollout/features/parts.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::Ejection;

bool has(const Ejection& ejection, Ejection::Failure failure) {
  return std::find(ejection.on.begin(), ejection.on.end(), failure) != ejection.on.end();
}

/// How many of a bucket's exchanges count against the endpoint. The record does not part statuses, and a reset may have
/// met no exchange: those are sure only where all of their kind count.
Bounds against(const FailedMoment& moment, const Ejection& ejection) {
  Bounds failed;
  if (has(ejection, Ejection::Failure::ConnectFailure)) failed += Bounds::exactly(moment.connectFailures);
  if (has(ejection, Ejection::Failure::Reset)) failed += Bounds::upTo(moment.resets);
  if (has(ejection, Ejection::Failure::ServerError)) {
    failed += Bounds::exactly(moment.errors);
  } else if (has(ejection, Ejection::Failure::GatewayError)) {
    failed += Bounds::upTo(moment.errors);
  }
  return failed;
}

/// So many that failed stand in a row for sure where fewer others stand between them than would part them.
bool failsInARow(std::uint64_t failed, std::uint64_t others, std::uint64_t wanted) {
  return wanted != 0 && failed > (others + 1) * (wanted - 1);
}

/// Seconds of an interval.
std::int64_t lengthOf(const Ejection& ejection) {
  return std::max<std::int64_t>(1, std::chrono::ceil<seconds>(ejection.interval).count());
}

struct Seen {
  std::uint64_t all = 0;
  Bounds failed;
};

bool failsByShare(const Seen& seen, std::int64_t length, const Ejection& ejection) {
  if (!ejection.failurePercent) return false;
  constexpr std::uint64_t kStandard = 100;
  constexpr std::uint64_t kPercent = 100;
  const std::uint64_t least = ejection.leastExchanges.value_or(kStandard);
  const std::int64_t interval = lengthOf(ejection);
  // Intervals with too few exchanges to count may hold that many failures; those at the ends reach beyond the bucket.
  const auto intervals = static_cast<std::uint64_t>((length + interval - 1) / interval + 1);
  const std::uint64_t hidden = intervals * (least - 1);
  return seen.failed.least > hidden && (seen.failed.least - hidden) * kPercent >= seen.all * *ejection.failurePercent;
}

bool mayFailByShare(const Seen& seen, const Ejection& ejection) {
  if (!ejection.failurePercent) return false;
  constexpr std::uint64_t kStandard = 100;
  constexpr std::uint64_t kPercent = 100;
  const std::uint64_t least = ejection.leastExchanges.value_or(kStandard);
  // The failures may stand beside just as few others as the share needs.
  return seen.all >= least && seen.failed.most * kPercent >= least * *ejection.failurePercent;
}

void addEndpoint(const std::vector<FailedMoment>& moments, const Ejection& ejection, bool isLast, Tables& tables) {
  std::uint64_t tail = 0;  // failures that may stand in a row at the end of what came before
  Seen before;             // in the bucket before, where an interval may reach over both
  std::int64_t end = 0;
  for (const FailedMoment& moment : moments) {
    Seen seen{moment.exchanges + moment.connectFailures, against(moment, ejection)};
    if (seen.all == 0) continue;
    seen.failed.most = std::min(seen.failed.most, seen.all);
    const std::uint64_t others = seen.all - std::min(seen.all, seen.failed.least);
    const bool sure =
        failsInARow(seen.failed.least, others, ejection.consecutive) || failsByShare(seen, moment.length, ejection);
    if (moment.from - end >= lengthOf(ejection)) before = {};
    before.all += seen.all;
    before.failed += seen.failed;
    const bool maybe = tail + seen.failed.most >= ejection.consecutive || mayFailByShare(before, ejection);
    before = seen;
    end = moment.from + moment.length;
    tail = seen.failed.most == seen.all ? tail + seen.all : seen.failed.most;
    tables.saw(moment.caller, Counted::Intervals, 1);
    Bounds ejects{sure ? 1u : 0u, sure || maybe ? 1u : 0u};
    if (isLast) ejects = {};
    tables.affects(moment.caller, Counted::Intervals, "ejection", ejects,
                   isLast ? "it is the only endpoint, and the last is never ejected" : "");
  }
}

void addEjection(const Ejection& ejection, const record::Traffic& traffic, Tables& tables) {
  const Failures failures = failuresOf(traffic);
  std::set<SocketAddress> endpoints;
  for (const auto& [pair, moments] : failures) endpoints.insert(pair.second);
  for (const auto& [pair, moments] : failures) addEndpoint(moments, ejection, endpoints.size() == 1, tables);
  if (has(ejection, Ejection::Failure::Timeout))
    tables.cannotTell("ejection on timeout",
                      "which exchanges would time out is what `loam impact SERVICE timeouts` asks");
}

/// No more is under way at once than there was in all.
void addCap(const std::string& name, std::optional<std::uint32_t> cap, const std::map<std::string, std::uint64_t>& all,
            Tables& tables) {
  if (!cap) return;
  const std::string rule = "cap " + name;
  tables.cannotTell(rule, "it holds no peaks: neither how many connections nor how many exchanges were open at once");
  for (const auto& [caller, count] : all)
    tables.affects(caller, Counted::Exchanges, rule, Bounds::upTo(count > *cap ? count : 0));
}

}  // namespace

Impact circuitBreakingImpact(const Question& question) {
  const auto settings = typed<filters::CircuitBreakingSettings>(question.settings);
  Tables tables;
  std::map<std::string, std::uint64_t> all;
  for (const record::Usage& usage : question.traffic.usages) {
    if (!isServed(usage.protocol)) continue;
    tables.saw(usage.call.caller, Counted::Exchanges, usage.tally.counts.requests);
    all[usage.call.caller] += usage.tally.counts.requests;
  }
  if (settings.ejection) addEjection(*settings.ejection, question.traffic, tables);
  if (settings.caps) {
    addCap("connections", settings.caps->connections, all, tables);
    addCap("requests", settings.caps->requests, all, tables);
    addCap("pending", settings.caps->pending, all, tables);
  }
  Impact impact = std::move(tables).finish();
  impact.apart = false;
  if (settings.ejection) {
    impact.notes.emplace_back(
        "an interval is a bucket of the record in which a client called an endpoint: in how many of them the endpoint "
        "would be ejected");
  }
  return impact;
}

}  // namespace loam::features
