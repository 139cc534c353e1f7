#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/filters/form.h"
#include "proxy/filters/match.h"

namespace loam::filters {

/// Where a part of the exchanges of a rule goes.
struct Destination {
  std::string service;                        ///< empty: the service itself
  std::map<std::string, std::string> labels;  ///< of the endpoints; empty: all
  std::uint32_t weight = 1;                   ///< against those of the other destinations; 0: none

  void describe(Form& form);
};

/// The first rule that fits decides; where none does, the exchange goes to the service as if there were no routing.
struct RoutingRule {
  std::string name;
  Match match;
  std::vector<Destination> to;

  bool fitsAll() const { return match.fitsAll(); }
  void describe(Form& form);
};

/// What keeps a client where it is: the percentage of the flag, and the weights, go by it instead of by the trace id.
struct StickyKey {
  enum class By : std::uint8_t { Cookie, Header, Query, Source };

  By by = By::Source;
  std::string name;                  ///< of the cookie, header or query parameter
  std::optional<milliseconds> life;  ///< a cookie that Loam sets and that lives so long; none: the application's

  void describe(Form& form);
};

/// Requests that carry a header go to a developer's copy, before any rule and whatever the percentage says. Where the
/// copy cannot be reached they go the usual way.
struct DeveloperOverride {
  std::string owner;
  std::string header;  ///< "loam-developer"
  std::string value;
  std::string address;       ///< "10.8.0.5:8080"
  std::int64_t expires = 0;  ///< unix seconds

  void describe(Form& form);
};

/// Where exchanges for a service go, at the caller's side.
struct RoutingSettings {
  std::vector<RoutingRule> rules;
  std::optional<StickyKey> sticky;
  std::vector<DeveloperOverride> overrides;

  void describe(Form& form);
};

}  // namespace loam::filters
