#include "rollout/notify/address_rule.h"

#include <algorithm>
#include <array>

namespace loam::notify {

namespace {

/// NAT64's well-known prefix (RFC 6052): the IPv4 address that it leads to stands in the last four bytes.
constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b};

std::string_view whyNeverV4(const std::array<std::uint8_t, 4>& bytes) {
  constexpr std::uint8_t kMulticast = 0xe0;
  constexpr std::array<std::uint8_t, 4> kBroadcast = {255, 255, 255, 255};
  if (bytes[0] == 0) return "an unspecified address";
  if ((bytes[0] & 0xf0) == kMulticast) return "a multicast address";
  return bytes == kBroadcast ? "the broadcast address" : "";
}

}  // namespace

std::string_view whyNever(const IpAddress& address, bool mayBeLoopback) {
  const auto& bytes = address.bytes();
  if (std::equal(kNat64.begin(), kNat64.end(), bytes.begin())) {
    return whyNever(IpAddress::v4(address.v4Bytes()), mayBeLoopback);
  }
  if (address.isLinkLocal()) return "a link-local address";
  if (address.isLoopback()) return mayBeLoopback ? "" : "an address of this host, which a name may not lead to";
  if (address.isV4()) return whyNeverV4(address.v4Bytes());
  if (address.isUnspecified()) return "an unspecified address";
  static const IpAddress kMetadata = IpAddress::parse("fd00:ec2::254").value_or(IpAddress());
  if (address == kMetadata) return "the metadata service of a cloud";
  return bytes[0] == 0xff ? "a multicast address" : "";
}

}  // namespace loam::notify
