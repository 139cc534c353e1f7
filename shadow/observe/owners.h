#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/base/flat.h"
#include "proxy/guard/facts.h"
#include "proxy/wire/report.h"

namespace loam::observe {

/// How the proxy's own sockets are told from the services'.
struct OwnSockets {
  std::string exe = "loam-proxy";
  std::uint32_t pid = 0;
  std::uint32_t mark = 0;             ///< of its dials; 0: none
  std::uint32_t transparentMark = 0;  ///< of its dials from the client's address; 0: none
  std::uint16_t peerPort = 0;         ///< where proxies meet, on any host, also one that is gone; 0: nowhere
  std::optional<std::uint32_t> uid;   ///< of a user that nobody else runs as

  bool has(const guard::SocketFact& socket) const;
};

/// Two addresses: who called from where, and what.
struct AddressPair {
  SocketAddress client;
  SocketAddress destination;
  auto operator<=>(const AddressPair&) const = default;
};
struct AddressPairHash {
  std::size_t operator()(const AddressPair& pair) const noexcept {
    const std::hash<SocketAddress> hash;
    return hash(pair.client) * 0x9E3779B97F4A7C15u + hash(pair.destination);
  }
};

/// Which local process owns the client's side of a connection, from the socket tables that the host's facts bring.
/// Owners are numbered from 1 and keep their number. Observer thread.
class Owners {
 public:
  static constexpr std::size_t kMostOwners = 4096;
  static constexpr std::size_t kMostPairs = 65536;

  explicit Owners(OwnSockets own) : own_(std::move(own)) {}

  /// Takes a new inventory in the place of the one before.
  void update(const std::vector<guard::SocketFact>& sockets);
  /// The owner of the socket that is bound to `client`, or else the only owner ever seen to connect from that address
  /// to `destination`; 0 when neither is known.
  std::uint32_t find(const SocketAddress& client, const SocketAddress& destination) const;
  const wire::Owner& owner(std::uint32_t id) const { return owners_[id - 1]; }
  /// Number of the inventory: find() answers the same as long as it stays.
  std::uint32_t generation() const { return generation_; }
  const OwnSockets& own() const { return own_; }

  /// The number of an owner; 0 when nothing names it or too many are known.
  std::uint32_t intern(const guard::SocketFact& socket);

 private:
  static constexpr std::uint32_t kSeveral = ~std::uint32_t{0};

  const OwnSockets own_;
  std::vector<wire::Owner> owners_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  FlatMap<SocketAddress, std::uint32_t> byClient_;
  std::unordered_map<AddressPair, std::uint32_t, AddressPairHash> byPair_;  // client's port is 0
  std::uint32_t generation_ = 0;
};

/// What a person calls an owner: its unit without the kind, or its executable where the unit is shared (a login
/// session, a container without a name); empty when that is an interpreter, which says nothing of the service that runs
/// in it.
std::string ownerName(const wire::Owner& owner);

}  // namespace loam::observe
