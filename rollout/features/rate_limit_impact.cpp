#include <algorithm>
#include <chrono>

#include "proxy/filters/connection_match.h"
#include "proxy/filters/rate_limit.h"
#include "rollout/features/impact.h"
#include "rollout/features/pace_bounds.h"
#include "rollout/features/parts.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

using filters::Quota;
using filters::Rate;
using filters::RateLimit;
using filters::RateLimitSettings;

/// How many came in one bucket of the record, of each caller.
struct Stretch {
  std::int64_t length = 0;
  Bounds asking;
  std::map<std::string, Bounds> byCaller;

  void add(const std::string& caller, Bounds more) {
    asking += more;
    byCaller[caller] += more;
  }
};

/// All who share a bucket of tokens, and what holds for them.
struct Sharers {
  std::optional<Rate> rate;
  double burst = 0;
  std::optional<Quota> quota;
  bool isSplit = false;   ///< some of them may have a bucket of their own
  bool isShared = false;  ///< others may take from theirs
  std::map<std::int64_t, Stretch> stretches;

  Bounds ofCaller(const std::string& caller) const {
    Bounds sum;
    for (const auto& [from, stretch] : stretches) {
      if (const auto at = stretch.byCaller.find(caller); at != stretch.byCaller.end()) sum += at->second;
    }
    return sum;
  }
};

/// What the proxies know of a moment's client.
class Clients {
 public:
  explicit Clients(const std::vector<record::Call>& calls) {
    for (const record::Call& call : calls) {
      auto [at, fresh] = calls_.try_emplace({call.client, call.destination}, call);
      if (!fresh && at->second.identity != call.identity) mixed_.insert(at->first);
    }
  }
  record::Call callOf(const record::Moment& moment) const {
    record::Call call;
    if (const auto at = calls_.find({moment.client, moment.destination}); at != calls_.end()) call = at->second;
    call.caller = moment.caller;
    call.client = moment.client;
    call.prefix = moment.prefix;
    call.destination = moment.destination;
    return call;
  }
  /// With identities, or with and without one: which a moment had is not known.
  bool isMixed(const record::Call& call) const { return mixed_.contains({call.client, call.destination}); }

 private:
  using Key = std::pair<IpAddress, SocketAddress>;
  std::map<Key, record::Call> calls_;
  std::set<Key> mixed_;
};

/// As the proxy's own key.
std::string keyOf(const RateLimit& limit, const record::Call& call) {
  switch (limit.key) {
    case RateLimit::Key::All:
    case RateLimit::Key::Header:
      return {};
    case RateLimit::Key::Caller:
      return call.believed.empty() ? call.client.text() : call.believed;
    case RateLimit::Key::Identity:
      return call.identity;
    case RateLimit::Key::Address:
      return call.client.text();
  }
  return {};
}

/// Whether the record sees one where the proxy tells several apart.
bool splits(const RateLimit& limit, const record::Call& call, bool isMixed) {
  if (limit.key == RateLimit::Key::Header) return true;
  if (limit.key == RateLimit::Key::Identity) return isMixed;
  const bool byAddress = limit.key == RateLimit::Key::Address || call.believed.empty();
  return limit.key != RateLimit::Key::All && byAddress && call.prefix < 128;
}

/// What holds for the caller: its own numbers where it has some.
void take(const RateLimit& limit, const record::Call& call, Sharers& sharers) {
  const auto own = std::find_if(limit.callers.begin(), limit.callers.end(), [&](const filters::CallerRate& one) {
    return filters::fits(one.source, viewOf(call));
  });
  const bool isOwn = own != limit.callers.end();
  sharers.rate = isOwn ? own->rate : limit.rate;
  sharers.quota = isOwn ? own->quota : limit.quota;
  const auto burst = isOwn ? own->burst : limit.burst;
  if (sharers.rate) sharers.burst = burst.value_or(sharers.rate->count);
  // With numbers of their own some share a bucket that others empty at another pace.
  if (!limit.callers.empty() && limit.key != RateLimit::Key::Caller) sharers.isShared = true;
}

double perSecond(const Rate& rate) { return rate.count / static_cast<double>(rate.per.count()); }

std::int64_t beginningOf(Quota::Period period, std::int64_t time) {
  using std::chrono::days;
  const auto day = std::chrono::floor<days>(std::chrono::sys_seconds(seconds(time)));
  if (period == Quota::Period::Day) return day.time_since_epoch() / seconds(1);
  const std::chrono::year_month_day date(day);
  return std::chrono::sys_seconds(std::chrono::sys_days(date.year() / date.month() / 1)).time_since_epoch().count();
}

/// Beyond a quota. Of a day or month that began before the window nobody knows how much was used.
Bounds beyond(const Quota& quota, const Sharers& sharers, std::int64_t since) {
  std::map<std::int64_t, Bounds> periods;
  for (const auto& [from, stretch] : sharers.stretches) periods[beginningOf(quota.period, from)] += stretch.asking;
  Bounds sum;
  for (const auto& [begin, asking] : periods) {
    sum.least += asking.least - std::min(asking.least, quota.count);
    sum.most += begin < since ? asking.most : asking.most - std::min(asking.most, quota.count);
  }
  return sum;
}

struct Refused {
  Bounds bounds;
  std::string why;
};

Refused refusedOf(const Sharers& sharers, std::int64_t since) {
  Refused refused;
  std::uint64_t all = 0;
  for (const auto& [from, stretch] : sharers.stretches) all += stretch.asking.most;
  if (sharers.rate) {
    PaceBounds pace(perSecond(*sharers.rate), sharers.burst, since);
    for (const auto& [from, stretch] : sharers.stretches) pace.add(from, stretch.length, stretch.asking);
    refused.bounds = pace.refused();
    refused.why =
        "at most " + std::to_string(pace.peak()) + " in a bucket of " + durationText(seconds(pace.peakLength()));
  }
  if (sharers.quota) {
    const Bounds over = beyond(*sharers.quota, sharers, since);
    refused.bounds = {std::max(refused.bounds.least, over.least), std::min(all, refused.bounds.most + over.most)};
  }
  if (sharers.isSplit || sharers.isShared) refused.bounds.least = 0;
  if (sharers.isShared) refused.bounds.most = all;
  return refused;
}

/// Of what those who share are refused each caller has its part: no more than it asked for, no less than others leave.
void add(const std::string& rule, Counted counted, const Sharers& sharers, std::int64_t since, Tables& tables) {
  if (!sharers.rate && !sharers.quota) return;
  const Refused refused = refusedOf(sharers, since);
  std::set<std::string> callers;
  std::uint64_t all = 0;
  for (const auto& [from, stretch] : sharers.stretches) {
    all += stretch.asking.most;
    for (const auto& [caller, asking] : stretch.byCaller) callers.insert(caller);
  }
  for (const std::string& caller : callers) {
    const std::uint64_t own = sharers.ofCaller(caller).most;
    const std::uint64_t others = all - own;
    const Bounds part{refused.bounds.least - std::min(refused.bounds.least, others),
                      std::min(refused.bounds.most, own)};
    tables.affects(caller, counted, rule, part, part.most == 0 ? "" : refused.why);
  }
}

using BySharers = std::map<std::string, Sharers>;

void addLimit(const RateLimit& limit, const Question& question, bool perProxy, const Clients& clients, Tables& tables) {
  BySharers all;
  for (const record::Moment& moment : question.traffic.moments) {
    if (!isServed(moment.protocol) || moment.counts.requests == 0) continue;
    const record::Call call = clients.callOf(moment);
    const Fits fits = fitsRoute(limit.match, call, {});
    if (fits == Fits::No) continue;
    std::string key = keyOf(limit, call);
    const bool isMixed = limit.key == RateLimit::Key::Identity && clients.isMixed(call);
    if (perProxy) key += "\n" + moment.destination.ip.text();
    Sharers& sharers = all[key];
    take(limit, call, sharers);
    sharers.isSplit = sharers.isSplit || splits(limit, call, isMixed);
    sharers.isShared = sharers.isShared || isMixed;
    Stretch& stretch = sharers.stretches[moment.from];
    stretch.length = moment.length;
    const std::uint64_t count = moment.counts.requests;
    stretch.add(moment.caller, fits == Fits::Yes ? Bounds::exactly(count) : Bounds::upTo(count));
  }
  const std::int64_t since = question.traffic.calls.header.window.from;
  for (const auto& [key, sharers] : all) add(limit.name, Counted::Exchanges, sharers, since, tables);
  std::string why = untold(limit.match);
  if (!limit.match.methods.empty() && why.empty()) why = "it keeps no methods by time";
  if (limit.key == RateLimit::Key::Header)
    why.append(why.empty() ? "it keeps no headers" : ", nor the header of its key");
  if (!why.empty()) tables.cannotTell("limit " + limit.name, why);
}

void addOpens(const filters::ConnectionCaps& caps, const Question& question, Tables& tables) {
  BySharers all;
  for (const record::Moment& moment : question.traffic.moments) {
    if (moment.counts.connections == 0) continue;
    Sharers& sharers = all[moment.client.text() + "\n" + moment.destination.ip.text()];
    sharers.rate = caps.opens;
    sharers.burst = caps.burst.value_or(caps.opens->count);
    sharers.isSplit = sharers.isSplit || moment.prefix < 128;
    Stretch& stretch = sharers.stretches[moment.from];
    stretch.length = moment.length;
    stretch.add(moment.caller, Bounds::exactly(moment.counts.connections));
  }
  const std::int64_t since = question.traffic.calls.header.window.from;
  for (const auto& [key, sharers] : all) add("opens", Counted::Connections, sharers, since, tables);
}

/// Any of them may have come when enough others were open.
void addOpen(const std::string& cap, const std::vector<record::Call>& calls, Tables& tables) {
  tables.cannotTell("cap " + cap, "it keeps no count of connections that are open at once");
  for (const record::Call& call : calls)
    tables.affects(call.caller, Counted::Connections, cap, Bounds::upTo(call.connections));
}

}  // namespace

Impact rateLimitImpact(const Question& question) {
  const auto settings = typed<RateLimitSettings>(question.settings);
  const record::Traffic& traffic = question.traffic;
  const Clients clients(traffic.calls.calls);
  Tables tables;
  if (settings.actsOnExchanges()) {
    for (const record::Usage& usage : traffic.usages) {
      if (isServed(usage.protocol)) tables.saw(usage.call.caller, Counted::Exchanges, usage.tally.counts.requests);
    }
    const bool perProxy = settings.scope == RateLimitSettings::Scope::Proxy;
    for (const RateLimit& limit : settings.limits) addLimit(limit, question, perProxy, clients, tables);
  }
  if (settings.connections) {
    for (const record::Call& call : traffic.calls.calls)
      tables.saw(call.caller, Counted::Connections, call.connections);
    if (settings.connections->opens) addOpens(*settings.connections, question, tables);
    if (settings.connections->total) addOpen("total", traffic.calls.calls, tables);
    if (settings.connections->perSource) addOpen("per_source", traffic.calls.calls, tables);
  }
  Impact impact = std::move(tables).finish();
  impact.apart = false;
  std::int64_t coarsest = 0;
  for (const record::Moment& moment : traffic.moments) coarsest = std::max(coarsest, moment.length);
  if (coarsest != 0) {
    impact.notes.push_back("asked of buckets of up to " + durationText(seconds(coarsest)) +
                           ": within one, the most is as if all came at once and the least as if evenly; an exchange "
                           "counts where it ended");
  }
  return impact;
}

}  // namespace loam::features
