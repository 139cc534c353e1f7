#include <algorithm>
#include <cmath>

#include "proxy/filters/retries.h"
#include "rollout/features/failures.h"
#include "rollout/features/impact.h"
#include "rollout/features/parts.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::RetriesSettings;
using On = RetriesSettings::On;

constexpr std::uint16_t kServerError = 500;  // from here on the record counts a status as an error

bool has(const RetriesSettings& settings, On on) {
  return std::find(settings.on.begin(), settings.on.end(), on) != settings.on.end();
}

/// Some of the statuses that are repeated count as errors in the record.
bool looksAtErrors(const RetriesSettings& settings) {
  return has(settings, On::GatewayError) || std::any_of(settings.statuses.begin(), settings.statuses.end(),
                                                        [](std::uint16_t one) { return one >= kServerError; });
}

/// All of one caller.
struct Sums {
  std::uint64_t repeatable = 0;  ///< exchanges that may be repeated once a byte of them was sent
  std::uint64_t errors = 0;      ///< of those
  std::uint64_t connectFailures = 0;
  std::uint64_t resets = 0;
  std::uint64_t repeated = 0;  ///< exchanges that the budget lets be repeated
  std::uint64_t sent = 0;      ///< repeats of them
};
using ByCaller = std::map<std::string, Sums>;

void addRepeatable(const RetriesSettings& settings, const record::Usage& usage, Sums& sum) {
  for (const RecordedRoute& route : routesOf(usage)) {
    if (fitsRoute(settings.match, usage.call, route) == Fits::No) continue;
    const auto& methods = settings.methods;
    const bool isMethod = route.method.empty() || settings.idempotencyHeader ||
                          std::find(methods.begin(), methods.end(), route.method) != methods.end();
    if (!isMethod) continue;
    sum.repeatable += route.counts.requests;
    sum.errors += route.counts.errors;
  }
}

/// At most so many failures of one bucket are such as would be repeated.
std::uint64_t failedIn(const FailedMoment& moment, const RetriesSettings& settings) {
  std::uint64_t failed = has(settings, On::ConnectFailure) ? moment.connectFailures : 0;
  std::uint64_t sent = has(settings, On::Reset) ? moment.resets : 0;
  if (looksAtErrors(settings)) sent += moment.errors;
  return failed + std::min(sent, moment.exchanges + moment.resets);
}

/// What the budget lets through in each of the buckets, at the most: its window may reach back before the bucket.
class Budget {
 public:
  explicit Budget(const filters::RetryBudget& budget)
      : budget_(budget), window_(std::chrono::ceil<seconds>(budget.window).count()) {}

  std::uint64_t of(const std::vector<FailedMoment>& moments, std::size_t at) const {
    const FailedMoment& moment = moments[at];
    std::uint64_t exchanges = moment.exchanges + moment.connectFailures;
    for (std::size_t i = at; i > 0 && moments[i - 1].from + moments[i - 1].length + window_ > moment.from; --i)
      exchanges += moments[i - 1].exchanges + moments[i - 1].connectFailures;
    const auto time = static_cast<double>(moment.length + window_);
    return static_cast<std::uint64_t>(
        std::ceil(budget_.ratio * static_cast<double>(exchanges) + budget_.minPerSecond * time));
  }

 private:
  const filters::RetryBudget& budget_;
  const std::int64_t window_;
};

/// One client with one endpoint.
void addFailures(const std::vector<FailedMoment>& moments, const RetriesSettings& settings, ByCaller& sums) {
  const Budget budget(settings.budget);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    Sums& sum = sums[moments[i].caller];
    const std::uint64_t failed = failedIn(moments[i], settings);
    const std::uint64_t allowed = budget.of(moments, i);
    sum.connectFailures += moments[i].connectFailures;
    sum.resets += moments[i].resets;
    sum.repeated += std::min(failed, allowed);
    sum.sent += std::min(failed * settings.attempts, allowed);
  }
}

/// What failed before a byte was sent may be of any method; the rest only of some.
void bound(const RetriesSettings& settings, Sums& sum) {
  const std::uint64_t unsent = has(settings, On::ConnectFailure) ? sum.connectFailures : 0;
  std::uint64_t sent = has(settings, On::Reset) ? sum.resets : 0;
  if (looksAtErrors(settings)) sent += sum.errors;
  sum.repeated = std::min(sum.repeated, unsent + std::min(sent, sum.repeatable));
  sum.sent = std::min(sum.sent, sum.repeated * settings.attempts);
}

void tellUntold(const RetriesSettings& settings, Tables& tables) {
  if (const std::string why = untold(settings.match); !why.empty()) tables.cannotTell("match", why);
  if (settings.idempotencyHeader) tables.cannotTell("idempotency_header", "it keeps no headers");
  if (has(settings, On::Timeout))
    tables.cannotTell("on timeout", "which exchanges would time out is what `loam impact SERVICE timeouts` asks");
  for (const std::uint16_t status : settings.statuses) {
    if (status < kServerError)
      tables.cannotTell("status " + std::to_string(status), "it counts the statuses from 500 on, and no others");
  }
}

void noteLoad(const ByCaller& sums, Impact& impact) {
  std::uint64_t sent = 0;
  std::uint64_t all = 0;
  for (const auto& [caller, sum] : sums) sent += sum.sent;
  for (const Impact::Total& total : impact.totals()) all += total.all;
  if (sent == 0 || all == 0) return;
  const auto percent = std::ceil(static_cast<double>(sent) * 100 / static_cast<double>(all));
  impact.notes.push_back("added load: at most " + std::to_string(sent) + " exchanges, " +
                         std::to_string(static_cast<std::uint64_t>(percent)) + " % of " + std::to_string(all));
}

}  // namespace

Impact retriesImpact(const Question& question) {
  const auto settings = typed<RetriesSettings>(question.settings);
  ByCaller sums;
  Tables tables;
  for (const record::Usage& usage : question.traffic.usages) {
    if (!isServed(usage.protocol)) continue;
    tables.saw(usage.call.caller, Counted::Exchanges, usage.tally.counts.requests);
    addRepeatable(settings, usage, sums[usage.call.caller]);
  }
  for (const auto& [pair, moments] : failuresOf(question.traffic)) addFailures(moments, settings, sums);
  for (auto& [caller, sum] : sums) {
    bound(settings, sum);
    tables.saw(caller, Counted::Exchanges, sum.connectFailures);
    const std::string why =
        sum.repeated == 0 ? "" : "at most " + std::to_string(sum.sent) + " repeats within the budget";
    tables.affects(caller, Counted::Exchanges, "retries", Bounds::upTo(sum.repeated), why);
  }
  tellUntold(settings, tables);
  Impact impact = std::move(tables).finish();
  noteLoad(sums, impact);
  impact.notes.emplace_back(
      "an upper bound: statuses are counted together from 500 on, and a reset may have met no exchange");
  return impact;
}

}  // namespace loam::features
