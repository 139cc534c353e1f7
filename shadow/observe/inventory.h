#pragma once

#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "shadow/observe/aggregator.h"
#include "shadow/observe/owners.h"

namespace loam::observe {

/// Finds in the socket tables of the host the connections that pass by the proxy: established, not captured, and not
/// the proxy's own. A connection is told once it stands in a table and is still not known as captured when the next one
/// comes, so that one which is being accepted right now is not taken for such. What lives shorter than the time between
/// two tables may be missed. Observer thread.
class Inventory {
 public:
  static constexpr std::size_t kMostConnections = 65536;

  /// Tells one connection with its owner's id (0: unknown); `opened` the first time, then once each table while it
  /// lives.
  using Sink = std::function<void(const AddressPair&, std::uint32_t owner, bool opened)>;

  explicit Inventory(Owners& owners) : owners_(owners) {}

  void update(const std::vector<guard::SocketFact>& sockets, const AddressPairs& captured, const Sink& sink);
  /// Connections found beyond kMostConnections, which are not shown.
  std::uint64_t cut() const { return cut_; }

 private:
  using Found = std::unordered_map<AddressPair, std::uint32_t, AddressPairHash>;

  Found passingBy(const std::vector<guard::SocketFact>& sockets);

  Owners& owners_;
  Found candidates_;  // of the table before, not told yet
  std::unordered_set<AddressPair, AddressPairHash> told_;
  std::uint64_t cut_ = 0;
};

}  // namespace loam::observe
