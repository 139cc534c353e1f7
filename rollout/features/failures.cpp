#include "rollout/features/failures.h"

#include <algorithm>
#include <set>

#include "rollout/features/recorded.h"

namespace loam::features {

Failures failuresOf(const record::Traffic& traffic) {
  std::set<SocketAddress> served;
  for (const record::Usage& usage : traffic.usages) {
    if (isServed(usage.protocol)) served.insert(usage.call.destination);
  }
  Failures failures;
  for (const record::Moment& moment : traffic.moments) {
    if (!served.contains(moment.destination)) continue;
    std::vector<FailedMoment>& moments = failures[{moment.client, moment.destination}];
    if (moments.empty() || moments.back().from != moment.from)
      moments.push_back({moment.from, moment.length, moment.caller, 0, 0, 0, 0});
    FailedMoment& sum = moments.back();
    const wire::Counts& counts = moment.counts;
    sum.connectFailures += counts.failedConnections - std::min(counts.failedConnections, counts.denied);
    sum.resets += counts.resets;
    if (!isServed(moment.protocol)) continue;
    sum.caller = moment.caller;  // who exchanged something, where two call from one address
    sum.exchanges += counts.requests;
    sum.errors += counts.errors;
  }
  return failures;
}

}  // namespace loam::features
