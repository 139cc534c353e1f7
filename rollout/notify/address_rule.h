#pragma once

#include <string_view>

#include "proxy/base/address.h"

namespace loam::notify {

/// Why no webhook is sent to that address, asked at each connect so that no name can lead there later (C7): link-local
/// ones, where clouds answer with credentials, multicast, broadcast and unspecified ones; those of this host unless the
/// URL itself says so (`mayBeLoopback`). Empty: it may.
std::string_view whyNever(const IpAddress& address, bool mayBeLoopback);

}  // namespace loam::notify
