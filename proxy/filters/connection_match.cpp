#include "proxy/filters/connection_match.h"

#include <algorithm>

namespace loam::filters {

namespace {

bool fitsIdentity(std::string_view wanted, std::string_view identity) {
  if (identity.empty()) return false;
  if (!wanted.ends_with('*')) return wanted == identity;
  wanted.remove_suffix(1);
  return identity.starts_with(wanted);
}

}  // namespace

bool fits(const Source& source, const filter::ConnectionView& view) {
  switch (source.kind) {
    case Source::Kind::Service:
      return !view.caller.empty() && source.name == view.caller;
    case Source::Kind::Identity:
      return fitsIdentity(source.name, view.identity);
    case Source::Kind::Network:
      return source.network.contains(view.client.ip);
    case Source::Kind::Zone:
      return false;
  }
  return false;
}

bool fitsConnection(const Match& match, const filter::ConnectionView& view) {
  const bool isFrom = match.sources.empty() || std::any_of(match.sources.begin(), match.sources.end(),
                                                           [&](const Source& source) { return fits(source, view); });
  const bool isTo = match.ports.empty() ||
                    std::find(match.ports.begin(), match.ports.end(), view.destination.port) != match.ports.end();
  return isFrom && isTo;
}

}  // namespace loam::filters
