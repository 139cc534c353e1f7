#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "shadow/graph/model.h"

namespace loam::fleet {

/// One edge of the mesh over the window, as a preview shows it.
struct EdgeTraffic {
  std::string caller;
  std::string protocol;
  std::uint16_t port = 0;
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
};

/// Who calls whom, and how much: read from the graph with the topology, again and again. Apart from it, since counts
/// grow all the time and no proxy is told of them.
struct Traffic {
  std::int64_t seconds = 0;                               ///< of the window that somebody reported on
  std::size_t edges = 0;                                  ///< of the whole mesh
  std::map<std::string, std::vector<EdgeTraffic>> calls;  ///< by service; those with most connections first
};

/// Pure.
Traffic trafficOf(const graph::Graph& graph);

}  // namespace loam::fleet
