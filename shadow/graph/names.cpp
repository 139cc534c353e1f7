#include "shadow/graph/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <tuple>

#include "shadow/graph/text.h"

namespace loam::graph {

namespace {

constexpr std::array<std::string_view, 10> kSources{"operator", "catalogue", "process", "sni", "host",
                                                    "grpc",     "dns",       "hosts",   "ptr", "address"};
constexpr std::size_t kLongestName = 128;
constexpr std::size_t kMostClaims = 32;

bool isHostSource(std::string_view source) {
  return source == "sni" || source == "host" || source == "dns" || source == "hosts" || source == "ptr";
}

/// "ip-10-0-0-7.internal" and the like only spell the address.
bool spellsAddress(std::string_view name) {
  std::size_t numbers = 0;
  bool inNumber = false;
  for (const char c : name) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      if (!inNumber) ++numbers;
      inNumber = true;
    } else {
      if (c != '-' && c != '.') numbers = numbers >= 4 ? numbers : 0;
      inNumber = false;
    }
  }
  return numbers >= 4;
}

std::string_view withoutPort(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const auto close = host.find(']');
    return close == std::string_view::npos ? host : host.substr(1, close - 1);
  }
  const auto colon = host.find(':');
  return colon == std::string_view::npos || host.find(':', colon + 1) != std::string_view::npos ? host
                                                                                                : host.substr(0, colon);
}

std::string keyOf(const std::string& scope, const IpAddress& address) {
  return scope + '\0' + std::string(reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size());
}

bool inNetwork(const IpAddress& address, const IpAddress& network, unsigned prefix) {
  for (unsigned bit = 0; bit < prefix; bit += 8) {
    const unsigned left = std::min(8u, prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xffu << (8 - left));
    if (((address.bytes()[bit / 8] ^ network.bytes()[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string stem(std::string_view unit) {
  const auto dot = unit.rfind('.');
  return std::string(dot == std::string_view::npos ? unit : unit.substr(0, dot));
}

}  // namespace

struct Names::Candidate {
  std::string name;
  std::string source;
  int rank = 0;
  bool alive = true;
  bool port = false;
  unsigned prefix = 128;
  std::uint64_t seen = 0;

  auto order() const { return std::tuple(rank, !alive, !port, 128 - prefix, ~seen, std::string_view(name)); }
};

int rankOf(std::string_view source) {
  return static_cast<int>(std::find(kSources.begin(), kSources.end(), source) - kSources.begin());
}

std::optional<std::string> normaliseName(std::string_view source, std::string_view name) {
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  std::string out(name);
  if (isHostSource(source)) {
    out = withoutPort(name);
    while (!out.empty() && out.back() == '.') out.pop_back();
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (out.find(' ') != std::string::npos) return std::nullopt;
    if (source == "ptr" && spellsAddress(out)) return std::nullopt;
  }
  if (out.empty() || out.size() > kLongestName || !isPrintableUtf8(out)) return std::nullopt;
  if (source != "operator" && (IpAddress::parse(out) || SocketAddress::parse(out))) return std::nullopt;
  return out;
}

std::optional<std::string> processName(const wire::Owner& owner) {
  static constexpr std::array<std::string_view, 15> kInterpreters{"python", "perl", "ruby",    "node",    "nodejs",
                                                                  "java",   "php",  "php-fpm", "dotnet",  "mono",
                                                                  "bash",   "dash", "sh",      "busybox", "beam.smp"};
  const std::string_view unit = owner.unit;
  if (unit.ends_with(".service") && !unit.starts_with("user@")) {
    if (auto name = normaliseName("process", stem(unit))) return name;
  }
  std::string_view bare = owner.exe;
  while (!bare.empty() && (std::isdigit(static_cast<unsigned char>(bare.back())) != 0 || bare.back() == '.'))
    bare.remove_suffix(1);
  const auto says = [&](std::string_view exe) {
    return std::find(kInterpreters.begin(), kInterpreters.end(), exe) != kInterpreters.end();
  };
  if (owner.exe.empty() || says(owner.exe) || says(bare)) return std::nullopt;
  return normaliseName("process", owner.exe);
}

Names::Names(const std::vector<Claim>& claims, const std::vector<Alias>& aliases, Window window) : window_(window) {
  for (const Claim& claim : claims) {
    auto name = normaliseName(claim.source, claim.name);
    if (!name) continue;
    Claim kept = claim;
    kept.name = *std::move(name);
    if (claim.prefix < 128) {
      networks_.push_back(std::move(kept));
    } else {
      byAddress_[keyOf(claim.scope, claim.address)].push_back(std::move(kept));
    }
  }
  for (const Alias& alias : aliases) aliases_[alias.node] = alias.name;
}

void Names::gather(std::vector<Candidate>& out, const std::string& scope, const IpAddress& address,
                   std::optional<std::uint16_t> port) const {
  const auto take = [&](const Claim& claim) {
    if (claim.port != 0 && claim.port != port) return;
    const bool timeless = claim.firstSeen == 0 && claim.lastSeen == 0;  // the operator's and the catalogue's
    const bool alive = timeless || (claim.firstSeen < window_.to && claim.lastSeen >= window_.from);
    out.push_back({claim.name, claim.source, rankOf(claim.source), alive, claim.port != 0, claim.prefix, claim.seen});
  };
  for (const std::string& where : {scope, std::string()}) {
    if (const auto at = byAddress_.find(keyOf(where, address)); at != byAddress_.end()) {
      for (const Claim& claim : at->second) take(claim);
    }
    if (scope.empty()) break;
  }
  for (const Claim& claim : networks_) {
    if (inNetwork(address, claim.address, claim.prefix)) take(claim);
  }
}

Names::Choice Names::choose(std::vector<Candidate> candidates, const std::string& fallback) const {
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.order() < b.order(); });
  Choice choice{fallback, "address", {}};
  if (!candidates.empty()) {
    choice.name = candidates.front().name;
    choice.source = candidates.front().source;
  }
  const auto alias = aliases_.find(choice.name);
  if (alias != aliases_.end()) {
    choice.name = alias->second;
    choice.source = "operator";
    choice.claims.push_back({choice.name, choice.source, 1});
  }
  for (const Candidate& candidate : candidates) {
    const auto same = std::find_if(choice.claims.begin(), choice.claims.end(), [&](const NameClaim& claim) {
      return claim.name == candidate.name && claim.source == candidate.source;
    });
    if (same != choice.claims.end()) {
      same->seen += candidate.seen;
    } else if (choice.claims.size() < kMostClaims) {
      choice.claims.push_back({candidate.name, candidate.source, candidate.seen});
    }
  }
  return choice;
}

Names::Choice Names::server(const std::string& scope, const SocketAddress& address) const {
  if (address.ip.isUnspecified()) return choose({}, "other");
  std::vector<Candidate> candidates;
  gather(candidates, scope, address.ip, address.port);
  return choose(std::move(candidates), address.text() + (scope.empty() ? "" : "@" + scope));
}

Names::Choice Names::caller(const std::string& scope, const IpAddress& client, std::uint8_t prefix,
                            const std::optional<wire::Owner>& owner) const {
  if (client.isUnspecified()) return choose({}, "other");
  if (prefix < 128) {
    return choose({}, client.text() + "/" + std::to_string(client.isV4() ? prefix - 96 : prefix));
  }
  std::vector<Candidate> candidates;
  gather(candidates, scope, client, std::nullopt);
  if (owner) {
    if (auto name = processName(*owner)) {
      candidates.push_back({.name = *std::move(name),
                            .source = "process",
                            .rank = rankOf("process"),
                            .alive = true,
                            .port = true,
                            .prefix = 128,
                            .seen = 1});
    }
  }
  return choose(std::move(candidates), client.text() + (scope.empty() ? "" : "@" + scope));
}

}  // namespace loam::graph
