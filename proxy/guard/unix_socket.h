#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"

namespace loam::guard {

/// Unix SOCK_SEQPACKET sockets: packets keep their bounds, descriptors travel beside them.
namespace unix_socket {

/// Listens at `path` (directories above are made, a dead program's socket is replaced), for the owner and `group`
/// alone. Conflict when a living program listens there. Non-blocking.
Result<Descriptor> listen(const std::string& path, std::uint32_t group);
/// Blocking, with a deadline of 2 s for each call on it.
Result<Descriptor> connect(const std::string& path);
/// Holds `name` in this network namespace until the descriptor closes (or the process dies). Conflict names who holds
/// it.
Result<Descriptor> claim(const std::string& name);

Status send(int socket, std::string_view packet, const std::vector<int>& descriptors = {});
/// One packet and what came with it. Closed at the end; Timeout when none came (at once on a non-blocking socket).
Result<std::string> receive(int socket, std::vector<Descriptor>& descriptors);
/// Who connected.
Result<ucred> peer(int socket);

}  // namespace unix_socket
}  // namespace loam::guard
