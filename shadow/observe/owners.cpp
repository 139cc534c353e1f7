#include "shadow/observe/owners.h"

namespace loam::observe {

bool OwnSockets::has(const guard::SocketFact& socket) const {
  if (pid != 0 && socket.pid == pid) return true;
  if (socket.mark != 0 && (socket.mark == mark || socket.mark == transparentMark)) return true;
  if (!exe.empty() && socket.exe == exe) return true;
  if (peerPort != 0 && (socket.local.port == peerPort || socket.remote.port == peerPort)) return true;
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
  std::vector<std::pair<SocketAddress, std::uint32_t>> clients;
  for (const guard::SocketFact& socket : sockets) {
    if (socket.listening || own_.has(socket)) continue;
    const std::uint32_t id = intern(socket);
    if (id == 0) continue;
    clients.emplace_back(socket.local, id);
    const AddressPair pair{{socket.local.ip, 0}, socket.remote};
    const auto at = byPair_.find(pair);
    if (at != byPair_.end()) {
      if (at->second != id) at->second = kSeveral;
    } else if (byPair_.size() < kMostPairs) {
      byPair_.emplace(pair, id);
    }
  }
  byClient_ = FlatMap(std::move(clients));
}

std::uint32_t Owners::find(const SocketAddress& client, const SocketAddress& destination) const {
  if (const std::uint32_t* id = byClient_.find(client)) return *id;
  const auto at = byPair_.find({{client.ip, 0}, destination});
  return at == byPair_.end() || at->second == kSeveral ? 0 : at->second;
}

namespace {

/// Programs that run others' services: their own name says nothing.
bool isInterpreter(std::string_view exe) {
  for (const std::string_view known :
       {"python", "perl", "ruby", "php", "node", "java", "bash", "dash", "sh", "dotnet"}) {
    if (!exe.starts_with(known)) continue;
    const std::string_view version = exe.substr(known.size());
    if (version.find_first_not_of("0123456789.") == std::string_view::npos) return true;
  }
  return false;
}

/// Units that hold whatever a person or the system started, not one service.
bool isShared(std::string_view unit) {
  for (const std::string_view known : {"session-", "user@", "user-", "run-", "docker-", "libpod-"}) {
    if (unit.starts_with(known)) return true;
  }
  return unit == "init" || unit == "user" || unit == "system" || unit == "app" || unit == "/" || unit == "-";
}

}  // namespace

std::string ownerName(const wire::Owner& owner) {
  std::string_view unit = owner.unit;
  for (const std::string_view suffix : {".service", ".scope", ".slice"}) {
    if (unit.ends_with(suffix)) unit.remove_suffix(suffix.size());
  }
  if (!unit.empty() && !isShared(unit)) return std::string(unit);
  return isInterpreter(owner.exe) ? std::string() : owner.exe;
}

}  // namespace loam::observe
