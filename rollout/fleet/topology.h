#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/wire/snapshot.h"
#include "shadow/graph/model.h"

namespace loam::fleet {

/// What the record knows of one service that proxies need to know too, or that a change of its flags depends on.
struct Place {
  std::vector<SocketAddress> endpoints;      ///< sorted
  std::optional<wire::ProtocolPin> pin;      ///< what most of its connections spoke
  std::vector<wire::Caller> callers{};       ///< by name; those that an address makes known, and kMostCallers of them
  std::vector<graph::Instance> instances{};  ///< by address; those that somebody called

  static constexpr std::size_t kMostCallers = 10'000;

  bool operator==(const Place&) const = default;
  std::vector<std::string> callerNames() const;
  /// Those beside its instances, sorted; none unless one stands beside each, since whom nobody saw yet may be one too.
  std::vector<std::string> proxies() const;
};

/// Who serves where, and which proxies carry what: read from the graph, again and again.
struct Topology {
  std::map<std::string, Place> services;
  std::map<std::string, std::set<std::string>> carried;  ///< proxy -> services that it saw connections to

  bool operator==(const Topology&) const = default;
  /// The service at an address; nothing when the record knows none.
  std::optional<std::string> serviceAt(const SocketAddress& address) const;
};

/// Pure.
Topology topologyOf(const graph::Graph& graph);

}  // namespace loam::fleet
