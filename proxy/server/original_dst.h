#pragma once

#include "proxy/base/address.h"

namespace loam::server {

/// Where the client of a redirected connection meant to go (SO_ORIGINAL_DST, both families). NotFound when the
/// connection was not redirected: somebody dialled the proxy's own port.
Result<SocketAddress> originalDestination(int fd);

}  // namespace loam::server
