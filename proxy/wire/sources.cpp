#include "proxy/wire/sources.h"

#include <unordered_set>

namespace loam::wire {

std::unordered_map<IpAddress, std::string> callersOf(const ServiceConfig& service) {
  std::unordered_map<IpAddress, std::string> callers;
  std::unordered_set<IpAddress> shared;
  for (const Caller& caller : service.callers) {
    for (const IpAddress& address : caller.addresses) {
      const auto [at, fresh] = callers.try_emplace(address, caller.name);
      if (fresh || at->second == caller.name || caller.name == address.text()) continue;
      if (at->second != address.text()) shared.insert(address);
      at->second = caller.name;
    }
  }
  for (const IpAddress& address : shared) callers.erase(address);
  return callers;
}

}  // namespace loam::wire
