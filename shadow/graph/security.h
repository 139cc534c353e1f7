#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shadow/graph/merge.h"
#include "shadow/graph/model.h"

namespace loam::graph {

/// Identities of one edge and side that are told apart; the rest is added up under wire::kOtherIdentity.
constexpr std::size_t kMostIdentities = 64;

/// Whether a flow's word says that its connections left the host without TLS of the mesh, though somebody asked.
bool isPlaintext(std::string_view security);

/// Adds up how the connections of one edge went.
class SecuritySum {
 public:
  void add(const MergedFlow& flow);
  /// What was added up before: two edges that are shown as one.
  void add(const EdgeSecurity& other);
  EdgeSecurity finish() &&;

 private:
  void addReason(const std::string& state, std::uint64_t connections, std::int64_t lastSeen);
  void addIdentity(const PeerIdentity& peer);

  EdgeSecurity sum_;
  std::map<std::string, PlaintextReason> reasons_;
  std::map<std::pair<std::string, std::string>, PeerIdentity> identities_;  // by side and identity
};

/// "mutual", "partial" (mutual and not), "plaintext", "local"; empty where nobody asked.
std::string_view stateOf(const EdgeSecurity& security);
/// The part of the connections between hosts that are mutual TLS, those that nobody asked about included; nothing where
/// none opened in the window, or nobody asked.
std::optional<double> mutualShare(const EdgeSecurity& security);

/// Whether there is anything to say of an edge: somebody asked, once at least, or something was denied.
bool hasSecurity(const Edge& edge);

/// "mutual", "90% mutual, not_chosen", "plaintext, no_proxy", "local", "2 denied": for a person, in one cell. Empty
/// where there is nothing to say.
std::string securityText(const Edge& edge);

/// Its parts for forms that have no lists: "not_chosen=3 no_proxy=1", "spiffe://loam/proxy/a spiffe://loam/proxy/b".
std::string reasonsText(const EdgeSecurity& security);
std::string identitiesText(const EdgeSecurity& security);

/// Edges by "mutual", "partial", "plaintext", "local" and "unasked"; each is there, be it with 0.
std::map<std::string, std::size_t> edgesByState(const Graph& graph);

}  // namespace loam::graph
