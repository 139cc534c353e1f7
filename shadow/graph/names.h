#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shadow/graph/flow.h"

namespace loam::graph {

/// How far a source of names is believed: 0 is best. Operator, catalogue, process, sni, host, grpc, dns, hosts, ptr,
/// address (rollout.md 4.4); what is not known is believed least.
int rankOf(std::string_view source);

/// A name as it may stand in the graph: without port, trailing dot, spaces around; host names in lower case. Nothing
/// for what cannot be one: empty, over 128 bytes, control characters or broken UTF-8 in it, or a bare address. An
/// operator's and a catalogue's names keep their case.
std::optional<std::string> normaliseName(std::string_view source, std::string_view name);

/// What a local process is called: its unit without ".service", or its executable. Nothing for sessions, containers
/// without a name, and interpreters, which say nothing of the service that runs in them.
std::optional<std::string> processName(const wire::Owner& owner);

/// Chooses names. Pure: the same claims give the same names, in any order.
class Names {
 public:
  struct Choice {
    std::string name;
    std::string source;
    std::vector<NameClaim> claims;  ///< all, best first
  };

  /// Claims that were alive in `window` go before others of their rank: addresses are used again.
  Names(const std::vector<Claim>& claims, const std::vector<Alias>& aliases, Window window);

  Choice server(const std::string& scope, const SocketAddress& address) const;
  Choice caller(const std::string& scope, const IpAddress& client, std::uint8_t prefix,
                const std::optional<wire::Owner>& owner) const;

 private:
  struct Candidate;
  void gather(std::vector<Candidate>& out, const std::string& scope, const IpAddress& address,
              std::optional<std::uint16_t> port) const;
  Choice choose(std::vector<Candidate> candidates, const std::string& fallback) const;

  std::unordered_map<std::string, std::vector<Claim>> byAddress_;  // scope, then the address's bytes
  std::vector<Claim> networks_;
  std::unordered_map<std::string, std::string> aliases_;
  Window window_;
};

}  // namespace loam::graph
