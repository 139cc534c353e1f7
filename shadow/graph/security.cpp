#include "shadow/graph/security.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "proxy/relay/security.h"
#include "shadow/graph/export_text.h"

namespace loam::graph {

namespace {

/// Connections that came to be: what was refused was never secured.
std::uint64_t opened(const wire::Counts& counts) {
  return counts.connections - std::min(counts.connections, counts.failedConnections);
}

/// The order in which they are shown; what stands for many last.
auto rankOf(const PeerIdentity& peer) {
  return std::tuple(std::string_view(peer.side) != "caller", peer.identity == wire::kOtherIdentity, ~peer.connections,
                    std::string_view(peer.identity));
}

bool comesFirst(const PeerIdentity& a, const PeerIdentity& b) { return rankOf(a) < rankOf(b); }

}  // namespace

bool isPlaintext(std::string_view security) {
  const auto known = relay::securityOf(security);
  return known && known->isPlaintext();
}

void SecuritySum::add(const MergedFlow& flow) {
  const std::uint64_t connections = opened(flow.tally.counts);
  const relay::Security how = relay::securityOf(flow.flow.security).value_or(relay::Security{});
  if (how.isMutual()) {
    sum_.mutual += connections;
    sum_.sawMutual = true;
  } else if (how.isPlaintext()) {
    sum_.plaintext += connections;
    // An application's own TLS is not for want of a proxy.
    const bool without = !flow.callerHasProxy && how.state != relay::Security::State::OwnTls;
    addReason(without ? std::string(kCallerWithoutProxy) : flow.flow.security, connections, flow.securedLast);
  } else if (how.state == relay::Security::State::Local) {
    sum_.local += connections;
    sum_.sawLocal = true;
  } else {
    sum_.unasked += connections;
    // What only ever failed or was refused went in plaintext no more than otherwise.
    const bool cameToNothing = connections == 0 && flow.tally.counts.failedConnections != 0;
    if (!cameToNothing) sum_.lastUnasked = std::max(sum_.lastUnasked.value_or(0), flow.securedLast);
  }
  for (const PeerIdentity& peer : flow.identities) addIdentity(peer);
  if (flow.lastPlaintext != 0) sum_.lastPlaintext = std::max(sum_.lastPlaintext.value_or(0), flow.lastPlaintext);
}

void SecuritySum::add(const EdgeSecurity& other) {
  sum_.mutual += other.mutual;
  sum_.local += other.local;
  sum_.plaintext += other.plaintext;
  sum_.unasked += other.unasked;
  sum_.sawMutual = sum_.sawMutual || other.sawMutual;
  sum_.sawLocal = sum_.sawLocal || other.sawLocal;
  for (const PlaintextReason& reason : other.reasons) addReason(reason.state, reason.connections, reason.lastSeen);
  for (const PeerIdentity& peer : other.identities) addIdentity(peer);
  sum_.lastPlaintext = std::max(sum_.lastPlaintext, other.lastPlaintext);  // nothing is less than any time
  sum_.lastUnasked = std::max(sum_.lastUnasked, other.lastUnasked);
}

void SecuritySum::addReason(const std::string& state, std::uint64_t connections, std::int64_t lastSeen) {
  PlaintextReason& reason = reasons_[state];
  reason.state = state;
  reason.connections += connections;
  reason.lastSeen = std::max(reason.lastSeen, lastSeen);
}

void SecuritySum::addIdentity(const PeerIdentity& peer) {
  PeerIdentity& known = identities_[{peer.side, peer.identity}];
  known.side = peer.side;
  known.identity = peer.identity;
  known.connections += peer.connections;
  known.lastSeen = std::max(known.lastSeen, peer.lastSeen);
}

EdgeSecurity SecuritySum::finish() && {
  for (auto& [state, reason] : reasons_) sum_.reasons.push_back(std::move(reason));
  std::sort(sum_.reasons.begin(), sum_.reasons.end(), [](const PlaintextReason& a, const PlaintextReason& b) {
    return std::tuple(~a.connections, a.state) < std::tuple(~b.connections, b.state);
  });
  std::vector<PeerIdentity> all;
  for (auto& [key, peer] : identities_) all.push_back(std::move(peer));
  std::sort(all.begin(), all.end(), comesFirst);
  identities_.clear();
  std::map<std::string, std::size_t> ofSide;
  for (PeerIdentity& peer : all) {
    if (peer.identity != wire::kOtherIdentity && ++ofSide[peer.side] > kMostIdentities)
      peer.identity = wire::kOtherIdentity;
    addIdentity(peer);
  }
  for (auto& [key, peer] : identities_) sum_.identities.push_back(std::move(peer));
  std::sort(sum_.identities.begin(), sum_.identities.end(), comesFirst);
  return std::move(sum_);
}

std::string_view stateOf(const EdgeSecurity& security) {
  if (security.sawMutual) return security.reasons.empty() && security.unasked == 0 ? "mutual" : "partial";
  if (!security.reasons.empty()) return "plaintext";
  return security.sawLocal ? "local" : "";
}

std::optional<double> mutualShare(const EdgeSecurity& security) {
  const std::uint64_t all = security.mutual + security.plaintext + security.unasked;
  if (all == 0 || (!security.sawMutual && security.reasons.empty())) return std::nullopt;
  return static_cast<double>(security.mutual) / static_cast<double>(all);
}

bool hasSecurity(const Edge& edge) {
  const EdgeSecurity& security = edge.security;
  return !stateOf(security).empty() || security.lastPlaintext || !security.identities.empty() ||
         edge.counts.denied != 0;
}

std::string reasonsText(const EdgeSecurity& security) {
  std::string text;
  for (const PlaintextReason& reason : security.reasons)
    text += (text.empty() ? "" : " ") + reason.state + "=" + std::to_string(reason.connections);
  return text;
}

std::string identitiesText(const EdgeSecurity& security) {
  std::string text;
  for (const PeerIdentity& peer : security.identities) text += (text.empty() ? "" : " ") + peer.identity;
  return text;
}

std::string securityText(const Edge& edge) {
  const EdgeSecurity& security = edge.security;
  std::string text(stateOf(security));
  const auto say = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (const auto share = mutualShare(security); text == "partial" && share)
    text = decimal(std::min(*share * 100, 99.9)) + "% mutual";
  if (!security.reasons.empty()) say(security.reasons.front().state);
  if (edge.counts.denied != 0) say(std::to_string(edge.counts.denied) + " denied");
  return text;
}

std::map<std::string, std::size_t> edgesByState(const Graph& graph) {
  std::map<std::string, std::size_t> counts;
  for (const char* state : {"mutual", "partial", "plaintext", "local", "unasked"}) counts[state] = 0;
  for (const Edge& edge : graph.edges) {
    const std::string_view state = stateOf(edge.security);
    ++counts[state.empty() ? "unasked" : std::string(state)];
  }
  return counts;
}

}  // namespace loam::graph
