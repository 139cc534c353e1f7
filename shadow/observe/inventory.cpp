#include "shadow/observe/inventory.h"

namespace loam::observe {

namespace {

/// The addresses that something on this host listens on.
class Listeners {
 public:
  explicit Listeners(const std::vector<guard::SocketFact>& sockets) {
    for (const guard::SocketFact& socket : sockets) {
      if (!socket.listening) continue;
      if (socket.local.ip.isUnspecified()) {
        anywhere_.insert(socket.local.port);
      } else {
        exact_.insert(socket.local);
      }
    }
  }
  bool has(const SocketAddress& address) const { return anywhere_.contains(address.port) || exact_.contains(address); }

 private:
  std::unordered_set<std::uint16_t> anywhere_;
  std::unordered_set<SocketAddress> exact_;
};

}  // namespace

Inventory::Found Inventory::passingBy(const std::vector<guard::SocketFact>& sockets) {
  const Listeners listeners(sockets);
  std::vector<AddressPair> ends;
  for (const guard::SocketFact& socket : sockets) {
    if (socket.listening || !owners_.own().has(socket)) continue;
    ends.push_back({socket.local, socket.remote});
    ends.push_back({socket.remote, socket.local});
  }
  const AddressPairs own(std::move(ends));
  Found found;
  for (const guard::SocketFact& socket : sockets) {
    if (socket.listening || socket.remote.port == 0 || owners_.own().has(socket)) continue;
    const bool served = listeners.has(socket.local);
    const AddressPair pair =
        served ? AddressPair{socket.remote, socket.local} : AddressPair{socket.local, socket.remote};
    if (own.contains(pair)) continue;
    if (found.size() >= kMostConnections && !found.contains(pair)) {
      ++cut_;
      continue;
    }
    // Both ends on this host are two sockets of one connection: the client's knows the owner.
    std::uint32_t& owner = found[pair];
    if (!served) owner = owners_.intern(socket);
  }
  return found;
}

void Inventory::update(const std::vector<guard::SocketFact>& sockets, const AddressPairs& captured, const Sink& sink) {
  const Found found = passingBy(sockets);
  Found next;
  for (const auto& [pair, owner] : found) {
    if (captured.contains(pair)) continue;
    if (told_.contains(pair)) {
      sink(pair, owner, false);
    } else {
      next.emplace(pair, owner);
    }
  }
  for (const auto& [pair, owner] : candidates_) {
    if (captured.contains(pair)) continue;
    sink(pair, owner, true);
    told_.insert(pair);
    next.erase(pair);
  }
  candidates_ = std::move(next);
  std::erase_if(told_, [&](const AddressPair& pair) { return !found.contains(pair); });
}

}  // namespace loam::observe
