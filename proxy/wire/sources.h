#pragma once

#include <string>
#include <unordered_map>

#include "proxy/wire/snapshot.h"

namespace loam::wire {

/// Who calls the service, by address. An address that two callers have is nobody's; a caller that is only called by an
/// address gives way to one with a name.
std::unordered_map<IpAddress, std::string> callersOf(const ServiceConfig& service);

}  // namespace loam::wire
