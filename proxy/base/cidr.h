#pragma once

#include <string>
#include <string_view>

#include "proxy/base/address.h"

namespace loam {

/// A network: an address and how many of its leading bits count (of 32 for IPv4, of 128 for IPv6).
struct Cidr {
  IpAddress address;
  unsigned bits = 0;

  /// "10.0.0.0/8", "fd00::/8", or an address alone. Fails on anything else, bits set behind the prefix included.
  static Result<Cidr> parse(std::string_view text);
  bool isV4() const { return address.isV4(); }
  /// Whether `other` is an address of it; never one of the other family.
  bool contains(const IpAddress& other) const;
  std::string text() const;

  auto operator<=>(const Cidr&) const = default;
};

}  // namespace loam
