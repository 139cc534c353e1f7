#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proxy/base/cidr.h"
#include "proxy/filters/form.h"

namespace loam::filters {

/// A text that others are held against: "/health" is that text alone, "/api/**" whatever starts so, "*.example"
/// whatever ends so. `*` is any run of bytes, in a path up to the next '/'; `**` any run at all; `\*` is a star.
struct Pattern {
  std::string text;

  auto operator<=>(const Pattern&) const = default;
};
/// At most 8 stars, so that no text is slow to compare.
Word<Pattern> pattern();
/// The same for paths: it starts with '/' or a star.
Word<Pattern> pathPattern();
/// The same for host names, held in lower case.
Word<Pattern> hostPattern();

/// Who calls: a service as Loam names it (believed), a SPIFFE id (proven), a network, or a zone. In JSON one text tells
/// which: "web", "spiffe://loam/proxy/web-*", "10.0.0.0/8", "zone:eu-1".
struct Source {
  enum class Kind : std::uint8_t { Service, Identity, Network, Zone };

  Kind kind = Kind::Service;
  std::string name;  ///< of a service or a zone; an identity, with a star at its end for all that start so
  Cidr network;

  auto operator<=>(const Source&) const = default;
};
Word<Source> source();

/// Which connections or exchanges something is for: those that fit every member that is given, and of a list at least
/// one item. An empty match fits all.
struct Match {
  std::vector<Source> sources;
  std::vector<std::uint16_t> ports;  ///< of the destination
  std::vector<std::string> methods;
  std::vector<Pattern> paths;  ///< of the path without its query, in canonical form (C1)
  std::vector<Pattern> hosts;  ///< of Host or :authority, lower case, without a port
  std::map<std::string, Pattern> headers;
  std::map<std::string, Pattern> cookies;
  std::map<std::string, Pattern> query;
  std::vector<Pattern> userAgents;

  /// Whether it can be told only once a request was read; else a connection alone tells.
  bool needsExchange() const;
  bool fitsAll() const;
  void describe(Form& form);
  bool operator==(const Match&) const = default;
};

/// Notes every item of `list` but the last that fits all: those behind it are never reached.
template <class Rule>
void checkReached(Form& form, Form::Name list, const std::vector<Rule>& rules) {
  for (std::size_t i = 0; i + 1 < rules.size(); ++i) {
    form.check(!rules[i].fitsAll(), {std::string(list) + "/" + std::to_string(i)},
               "this one fits everything, so those behind it are never reached");
  }
}

}  // namespace loam::filters
