#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/http/http1_connection.h"
#include "rollout/api/agent_tally.h"
#include "rollout/identity/standing.h"
#include "rollout/notify/hook.h"
#include "shadow/graph/flow.h"
#include "shadow/record/graph_store.h"

namespace loam::api {

/// What the controller knows of itself at one moment.
struct ControllerState {
  record::StoreCounters store;
  std::uint64_t refusedReports = 0;
  std::vector<graph::ProxyState> proxies;
  std::vector<std::pair<std::string, std::int64_t>> clocks{};  ///< seconds that each proxy's is ahead
  http::Http1Counters http;
  std::uint64_t wrongTokens = 0;
  std::size_t writesWaiting = 0;
  std::size_t readsWaiting = 0;
  std::int64_t now = 0;                                  ///< unix seconds
  std::shared_ptr<const identity::Standing> standing{};  ///< null: no authority is held, and there are no agents
  const identity::Tally* identities = nullptr;
  AgentTally agents{};
  std::vector<notify::HookStanding> webhooks{};
  std::map<std::string, std::size_t> edgesByState{};  ///< of the last minutes; empty before the record was read
};

/// Prometheus' text form.
std::string metricsText(const ControllerState& state);

}  // namespace loam::api
