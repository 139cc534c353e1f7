#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace loam::identity {

/// The name in a leaf, taken apart: "spiffe://loam/proxy/node-a" is the proxy node-a of the trust domain loam.
struct SpiffeId {
  std::string trustDomain;
  std::string kind;
  std::string name;

  bool operator==(const SpiffeId&) const = default;
};

/// The kind of those that carry traffic.
constexpr std::string_view kProxyKind = "proxy";

/// The name in a leaf: "spiffe://loam/proxy/node-a".
std::string spiffeId(std::string_view trustDomain, std::string_view kind, std::string_view name);

/// Strict: a lower-case domain, then two segments of letters, digits, '.', '_' and '-' that are neither "." nor "..";
/// at most 255 bytes. Nothing for anything else.
std::optional<SpiffeId> parseSpiffeId(std::string_view text);
/// Whether `text` can be the domain of one.
bool isTrustDomain(std::string_view text);

}  // namespace loam::identity
