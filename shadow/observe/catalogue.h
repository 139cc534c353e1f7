#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/result.h"
#include "proxy/base/yaml.h"

namespace loam::observe {

/// Addresses of a service: one, or a network, on one port or on all.
struct CatalogueAddress {
  IpAddress network;
  std::uint8_t prefix = 128;  ///< leading bits of `network` that count, of all 128: an IPv4 /24 is 120
  std::uint16_t port = 0;     ///< 0: every port

  bool holds(const IpAddress& address, std::uint16_t onPort) const;
  bool operator==(const CatalogueAddress&) const = default;
};

/// "10.0.0.7", "10.0.0.7:80", "10.0.0.0/24", "10.0.0.0/24:80", "2001:db8::7", "[2001:db8::7]:80", "[2001:db8::/64]:80".
/// Fails on anything else, bits set beyond the prefix included.
Result<CatalogueAddress> parseCatalogueAddress(std::string_view text);

/// One service as the operator wrote it down.
struct CatalogueService {
  std::string name;
  std::string owner;  ///< team or person; may be empty
  std::map<std::string, std::string> tags;
  std::vector<CatalogueAddress> addresses;
  std::vector<std::string> hosts;  ///< lower case; "*.example" is every name below
};

/// The operator's list of services: the names that are believed before any other evidence.
///     services:
///       - name: checkout
///         owner: payments
///         tags: {tier: gold}
///         addresses: [10.0.0.0/24:8080, 10.0.1.7]
///         hosts: [checkout.shop.example, "*.checkout.shop.example"]
class Catalogue {
 public:
  static constexpr std::size_t kMostServices = 10'000;

  /// Fails with all problems at once, "FILE:LINE:COLUMN: what" each: unknown and duplicate keys, services without a
  /// name or with the name of another, addresses that are none or are another's, host patterns that are none.
  static Result<Catalogue> load(const std::string& path);
  static Result<Catalogue> parse(std::string_view text, const std::string& file);

  /// The service with the narrowest network that holds the address, one with this port before one with every port; null
  /// when there is none.
  const CatalogueService* find(const IpAddress& address, std::uint16_t port) const;
  /// The service that claims a host name, the longest pattern first; null when there is none.
  const CatalogueService* findHost(std::string_view host) const;
  const std::vector<CatalogueService>& services() const { return services_; }

 private:
  static Result<Catalogue> read(YamlMapping root, YamlProblems& problems);

  std::vector<CatalogueService> services_;
};

}  // namespace loam::observe
