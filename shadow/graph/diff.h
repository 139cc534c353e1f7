#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shadow/graph/model.h"

namespace loam::graph {

/// PlaintextReturned is of the application's own TLS, MutualLost of what the mesh did.
enum class DiffKind { New, Gone, Changed, ProtocolChanged, PlaintextReturned, MutualLost };

/// "NEW", "GONE", "CHANGED", "PROTOCOL_CHANGED", "PLAINTEXT_RETURNED", "MUTUAL_LOST".
std::string_view name(DiffKind kind);

/// One difference of an edge between two windows.
struct Difference {
  DiffKind kind = DiffKind::New;
  Edge before;       ///< empty (no id) for New
  Edge after;        ///< empty (no id) for Gone
  std::string what;  ///< one line for a person: "p99 12 ms -> 80 ms"
};

struct Diff {
  Header before;
  Header after;
  std::vector<Difference> differences;  ///< by source, target, protocol, port, kind
  std::uint64_t unsure =
      0;  ///< edges missing from a window that their proxies covered by less than kSureCoverage: not called GONE
};

constexpr double kSureCoverage = 0.95;

/// Names are the keys: a service that moved to another address is neither new nor gone.
Diff diff(const Graph& before, const Graph& after);

}  // namespace loam::graph
