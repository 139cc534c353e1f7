#include "proxy/server/host_addresses.h"

#include <ifaddrs.h>

#include <cstring>

namespace loam::server {

std::unordered_set<IpAddress> hostAddresses() {
  std::unordered_set<IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const auto family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ifa_addr, family == AF_INET ? 16 : 28);  // sizes of sockaddr_in and sockaddr_in6
    addresses.insert(SocketAddress::from(storage).ip);
  }
  ::freeifaddrs(list);
  return addresses;
}

}  // namespace loam::server
