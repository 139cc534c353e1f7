#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/address.h"
#include "proxy/base/result.h"

namespace loam::notify {

/// Where a webhook is sent: "https://oncall.example/hooks/loam?team=a". A name or an address, no user, no fragment.
struct HookUrl {
  bool tls = false;
  std::string host;                  ///< a name in lower case, or an address without its brackets
  std::optional<IpAddress> address;  ///< where the host is one
  std::uint16_t port = 0;
  std::string target;  ///< path and query, as they are sent

  /// InvalidArgument says what was expected.
  static Result<HookUrl> parse(std::string_view text);

  /// "oncall.example", "10.0.0.5:8080", "[::1]:8080": the Host of requests, without the port that its scheme has
  /// anyway.
  std::string authority() const;
  /// What may be shown to whoever may read: path and query are secrets of many receivers, and come as "...".
  std::string shown() const;
  /// Whether the host is this one by its own words: then a loopback address is what was meant.
  bool meansLoopback() const;

  bool operator==(const HookUrl&) const = default;
};

}  // namespace loam::notify
