#include <set>

#include "rollout/features/impact.h"

namespace loam::features {

/// With one endpoint there is nothing to choose; with more the choice is of the load of its moment.
Impact balancingImpact(const Question& question) {
  Tables tables;
  std::set<SocketAddress> endpoints;
  for (const record::Call& call : question.traffic.calls.calls) endpoints.insert(call.destination);
  for (const record::Call& call : question.traffic.calls.calls) {
    tables.saw(call.caller, Counted::Connections, call.connections);
    if (endpoints.size() > 1)
      tables.affects(call.caller, Counted::Connections, "algorithm", Bounds::upTo(call.connections));
  }
  if (endpoints.size() > 1)
    tables.cannotTell("algorithm", "which endpoint each connection would get goes by what is under way at that moment");
  Impact impact = std::move(tables).finish();
  impact.notes.push_back(std::to_string(endpoints.size()) +
                         (endpoints.size() == 1 ? " endpoint was" : " endpoints were") +
                         " called in the window; instances that nobody called are not known here");
  return impact;
}

}  // namespace loam::features
