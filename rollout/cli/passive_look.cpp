#include "rollout/cli/passive_look.h"

#include <algorithm>

namespace loam::cli {

namespace {

std::string ownerOf(const guard::SocketFact& socket) {
  if (!socket.unit.empty()) return socket.unit;
  if (!socket.exe.empty()) return socket.exe;
  return socket.local.ip.text();
}

bool listens(const std::vector<guard::SocketFact>& sockets, const SocketAddress& address) {
  return std::any_of(sockets.begin(), sockets.end(), [&address](const guard::SocketFact& socket) {
    return socket.listening && socket.local.port == address.port &&
           (socket.local.ip == address.ip || socket.local.ip.isUnspecified() ||
            socket.local.ip == IpAddress::v4({0, 0, 0, 0}));
  });
}

/// Name of who listens there, when that is on this host.
std::string listenerAt(const std::vector<guard::SocketFact>& sockets, const SocketAddress& address) {
  for (const guard::SocketFact& socket : sockets) {
    const bool same = !socket.listening && socket.local == address;
    if (same && (!socket.unit.empty() || !socket.exe.empty())) return ownerOf(socket);
  }
  return address.ip.text();
}

}  // namespace

void PassiveLook::add(const std::vector<guard::SocketFact>& sockets) {
  for (const guard::SocketFact& socket : sockets) {
    if (socket.listening || socket.remote.port == 0) continue;
    const bool serves = listens(sockets, socket.local);
    const SocketAddress& server = serves ? socket.local : socket.remote;
    const SocketAddress& client = serves ? socket.remote : socket.local;
    // Of a connection within the host both ends are in the table: the client's tells more.
    const bool bothHere = serves && std::any_of(sockets.begin(), sockets.end(), [&](const guard::SocketFact& other) {
                            return !other.listening && other.local == client && other.remote == server;
                          });
    if (bothHere) continue;
    const std::string source = serves ? client.ip.text() : ownerOf(socket);
    const std::string target = serves ? ownerOf(socket) : listenerAt(sockets, server);
    connections_[{source, target, server.port}].insert(client.text() + " " + server.text());
  }
}

Json::Value PassiveLook::edges() const {
  Json::Value out(Json::arrayValue);
  for (const auto& [edge, seen] : connections_) {
    Json::Value one(Json::objectValue);
    one["source"] = std::get<0>(edge);
    one["target"] = std::get<1>(edge);
    one["port"] = std::get<2>(edge);
    one["protocol"] = "tcp";
    one["connections"] = Json::UInt64(seen.size());
    one["captured"] = false;
    out.append(std::move(one));
  }
  return out;
}

}  // namespace loam::cli
