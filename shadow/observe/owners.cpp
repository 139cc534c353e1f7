#include "shadow/observe/owners.h"

namespace loam::observe {

bool OwnSockets::has(const guard::SocketFact& socket) const {
  if (pid != 0 && socket.pid == pid) return true;
  if (socket.mark != 0 && (socket.mark == mark || socket.mark == transparentMark)) return true;
  if (!exe.empty() && socket.exe == exe) return true;
  return uid && socket.uid == *uid;
}

std::uint32_t Owners::intern(const guard::SocketFact& socket) {
  if (socket.exe.empty() && socket.unit.empty()) return 0;
  std::string key = std::to_string(socket.uid) + '\n' + socket.exe + '\n' + socket.unit;
  if (const auto at = ids_.find(key); at != ids_.end()) return at->second;
  if (owners_.size() >= kMostOwners) return 0;
  owners_.push_back({socket.unit, socket.exe, socket.uid});
  const auto id = static_cast<std::uint32_t>(owners_.size());
  ids_.emplace(std::move(key), id);
  return id;
}

void Owners::update(const std::vector<guard::SocketFact>& sockets) {
  ++generation_;
  byClient_.clear();
  for (const guard::SocketFact& socket : sockets) {
    if (socket.listening || own_.has(socket)) continue;
    const std::uint32_t id = intern(socket);
    if (id == 0) continue;
    byClient_[socket.local] = id;
    const AddressPair pair{{socket.local.ip, 0}, socket.remote};
    const auto at = byPair_.find(pair);
    if (at != byPair_.end()) {
      if (at->second != id) at->second = kSeveral;
    } else if (byPair_.size() < kMostPairs) {
      byPair_.emplace(pair, id);
    }
  }
}

std::uint32_t Owners::find(const SocketAddress& client, const SocketAddress& destination) const {
  if (const auto at = byClient_.find(client); at != byClient_.end()) return at->second;
  const auto at = byPair_.find({{client.ip, 0}, destination});
  return at == byPair_.end() || at->second == kSeveral ? 0 : at->second;
}

std::string ownerName(const wire::Owner& owner) {
  std::string unit = owner.unit;
  for (const std::string_view suffix : {".service", ".scope", ".slice"}) {
    if (unit.ends_with(suffix)) unit.resize(unit.size() - suffix.size());
  }
  const bool session = unit.starts_with("session-") || unit.starts_with("user@") || unit == "init" || unit == "user" ||
                       unit == "system" || unit.starts_with("user-") || unit == "/" || unit == "-";
  if (unit.empty() || (session && !owner.exe.empty())) return owner.exe;
  return unit;
}

}  // namespace loam::observe
