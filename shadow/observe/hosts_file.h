#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"

namespace loam::observe {

struct HostsEntry {
  IpAddress address;
  std::string name;  ///< the first name of its line that is one
  bool operator==(const HostsEntry&) const = default;
};

/// The names that a hosts(5) file gives to addresses, loopback and multicast left out; lines that are none are skipped,
/// as the resolver does. At most kMostHostsEntries.
constexpr std::size_t kMostHostsEntries = 4096;
std::vector<HostsEntry> parseHosts(std::string_view text);
/// The same of a file; empty when it cannot be read or is over 1 MiB.
std::vector<HostsEntry> readHosts(const std::string& path);

}  // namespace loam::observe
