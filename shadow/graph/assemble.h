#pragma once

#include <cstdint>
#include <vector>

#include "shadow/graph/flow.h"
#include "shadow/graph/focus.h"
#include "shadow/graph/merge.h"
#include "shadow/graph/names.h"

namespace loam::graph {

/// Names the ends of merged flows and adds up what has the same names. Pure; the header holds only what flows tell.
Graph assemble(std::vector<MergedFlow> flows, const Names& names, Collapse collapse, Window window);

/// How much of the window each proxy reported on. What it sealed since `now` - 10 s may be under way: that is not
/// missing.
std::vector<Coverage> coverageOf(const std::vector<ProxyState>& proxies, Window window, std::int64_t now);

/// Hex of a stable hash of its parts, each ended by a zero byte: the same in every build.
std::string stableId(std::initializer_list<std::string_view> parts);

/// An address of the public internet: not private, shared, local, documentation or multicast.
bool isPublic(const IpAddress& address);

}  // namespace loam::graph
