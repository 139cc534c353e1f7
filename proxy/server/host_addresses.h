#pragma once

#include <unordered_set>

#include "proxy/base/address.h"

namespace loam::server {

/// Every address of this host's interfaces, loopback included; empty when the kernel does not tell. Any thread.
std::unordered_set<IpAddress> hostAddresses();

}  // namespace loam::server
