#pragma once

#include <string>
#include <string_view>

#include "shadow/graph/model.h"

namespace loam::graph {

enum class Collapse {
  Service,   ///< one node a name
  Instance,  ///< one node an address, named "checkout@10.0.0.5"
  External,  ///< one node a name, all external ones in one node "external"
};

Result<Collapse> parseCollapse(std::string_view text);

/// Which part of a graph is wanted.
struct Filter {
  std::string focus;     ///< a node's name, id or address; empty for all
  unsigned depth = 1;    ///< edges away from the focus, in either direction
  std::string protocol;  ///< empty for all
  double minRate = 0;    ///< exchanges (connections where there are none) a second
};

/// Keeps what the filter asks for and counts the rest in the header. NotFound when nothing is called `focus`.
Result<Graph> cut(Graph graph, const Filter& filter);

/// The node called `nameOrId`, or that has this address; nullptr when there is none.
const Node* find(const Graph& graph, std::string_view nameOrId);

/// Keeps the `most` busiest nodes and folds the others, with their edges, into one node "other" of kind "aggregate".
Graph foldNodes(Graph graph, std::size_t most);

}  // namespace loam::graph
