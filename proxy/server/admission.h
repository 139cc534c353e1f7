#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/filter/connection_filter.h"
#include "proxy/wire/snapshot.h"

namespace loam::server {

/// The connection filters that the features of a service ask for, in the order in which they are asked. A policy all of
/// whose rules act on exchanges has none. InvalidArgument names the settings that cannot be read.
Result<std::vector<std::unique_ptr<const filter::ConnectionFilter>>> admissionOf(const wire::ServiceConfig& service);

/// Who calls the service, by address. An address that two callers have is nobody's; a caller that is only called by an
/// address gives way to one with a name.
std::unordered_map<IpAddress, std::string> callersOf(const wire::ServiceConfig& service);

}  // namespace loam::server
