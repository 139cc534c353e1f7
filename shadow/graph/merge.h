#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shadow/graph/flow.h"

namespace loam::graph {

/// One (client, owner, destination, protocol, TLS version, security) as it is counted: from whichever end saw it best.
struct MergedFlow {
  Flow flow;  ///< its firstSeen and lastSeen are of everybody who saw the pair
  Tally tally;
  std::int64_t securedLast = 0;    ///< when its kind of security was last seen, over the whole record
  std::int64_t lastPlaintext = 0;  ///< as FlowSum::lastPlaintext
  bool callerHasProxy = true;      ///< false: only the callee's side saw it, and no proxy told of this client's host
  /// What proxies at the two ends of the pair proved: with the first flow of a pair, whichever end is counted.
  std::vector<PeerIdentity> identities;
  std::vector<std::string> vantages;  ///< of everybody who saw it, sorted
  std::vector<std::string> proxies;
  std::vector<std::string> calleeProxies;  ///< of those: at the callee's side, sorted
};

/// Merges what several proxies saw of the same traffic, never adding two ends up. Per (client, destination, protocol)
/// the vantage with the greater total over the window counts (the outbound one on a tie: it knows the owner); the next
/// one fills in only for the 10 s stretches in which none of the chosen proxies reported. Proxies of one vantage are
/// added up. What only a socket inventory knows counts where nobody captured. A connection is denied by one proxy
/// alone, which never dials it, so denials of all ends are added up. Pure.
class Merger {
 public:
  /// `rows` are sums over `window`; `proxies` with their coverage of it.
  Merger(std::vector<FlowSum> rows, const std::vector<ProxyState>& proxies, Window window);

  /// The stretches, each within the window, of which sums are still needed; most windows have none.
  const std::vector<Window>& stretches() const { return stretches_; }
  /// Takes the sums of stretches()[index], by flow id; those that nobody asked for are left.
  void fill(std::size_t index, const std::unordered_map<std::int64_t, Tally>& sums);

  std::vector<MergedFlow> finish() &&;

 private:
  struct Group {
    std::string vantage;
    std::vector<std::size_t> rows;
    std::uint64_t total = 0;
    std::vector<std::string> proxies;  // sorted
  };
  struct Seen {
    std::uint64_t connections = 0;
    std::uint64_t denied = 0;
  };
  using Pair = std::vector<std::size_t>;

  std::vector<Group> groupsOf(const Pair& pair) const;
  void choose(const Pair& pair);
  std::vector<Window> missing(const std::vector<std::string>& chosen, const std::vector<std::string>& other) const;
  void ask(std::size_t row, const Window& stretch);
  bool hasCallersProxy(const Pair& pair) const;
  std::vector<PeerIdentity> identitiesOf(const Pair& pair) const;
  void attribute(const Pair& pair, std::vector<MergedFlow>& out) const;

  std::vector<FlowSum> rows_;
  const Window window_;
  std::map<std::string, std::vector<Span>> covered_;  // by proxy, in whole buckets that it touched, seconds
  std::vector<Pair> pairs_;
  std::vector<std::vector<std::size_t>> counted_;      // by pair: rows whose whole tally counts
  std::vector<std::uint64_t> weights_;                 // by row: its total over the window
  std::vector<Seen> seen_;                             // by row: what it saw over the window, counted or not
  std::set<std::pair<std::string, IpAddress>> hosts_;  // that have a proxy, by scope
  std::vector<Tally> fills_;                           // by row: what it adds from the stretches of others
  std::vector<Window> stretches_;
  std::vector<std::vector<std::size_t>> askedRows_;  // by stretch
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> stretchIds_;
};

/// Splits a tally by weights so that the parts add up to it exactly.
std::vector<Tally> apportion(const Tally& whole, const std::vector<std::uint64_t>& weights);

}  // namespace loam::graph
