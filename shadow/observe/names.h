#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/wire/report.h"

namespace loam::observe {

/// A host or service name as evidence keeps it: lower case, no port, no trailing dot, letters, digits, '-', '_', '.'
/// and at most 253 bytes. Empty for what is no name, addresses included.
std::string normaliseName(std::string_view name);

/// Collects what names addresses were given, by whom and how often, until the next report takes it. Keeps the
/// kMostPerSource most frequent names of an (address, port, source), kMostNames in all; names come from clients, so
/// that none is trusted, only counted. Ranking is the controller's. Observer thread.
class NameCollector {
 public:
  static constexpr std::size_t kMostPerSource = 8;
  static constexpr std::size_t kMostNames = 20'000;

  /// `port` 0 names the whole address. `source` as in wire::NameEvidence. A name that is none is left out.
  void note(const IpAddress& address, std::uint16_t port, std::string_view source, std::string_view name,
            std::uint64_t times = 1);
  /// Evidence since the last call.
  std::vector<wire::NameEvidence> take();
  std::size_t size() const { return names_; }

 private:
  struct Key {
    SocketAddress address;
    std::string source;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<SocketAddress>()(key.address) ^ std::hash<std::string>()(key.source);
    }
  };
  struct Name {
    std::string name;
    std::uint64_t seen = 0;
    std::uint64_t untold = 0;
  };

  std::unordered_map<Key, std::vector<Name>, KeyHash> known_;
  std::vector<const Key*> untold_;  // keys with something to tell, each once; nodes of known_ stay where they are
  std::size_t names_ = 0;
};

}  // namespace loam::observe
