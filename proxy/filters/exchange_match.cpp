#include "proxy/filters/exchange_match.h"

#include <algorithm>
#include <string>

#include "proxy/filters/connection_match.h"
#include "proxy/filters/pattern_match.h"
#include "proxy/http/http1_chars.h"
#include "proxy/http/http1_head.h"
#include "proxy/http/path_form.h"

namespace loam::filters {

namespace {

/// Whether `text` fits one of them, or there are none.
template <class Fits>
bool isAnyOf(const std::vector<Pattern>& patterns, std::string_view text, Fits fitsOne) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& pattern) { return fitsOne(pattern, text); });
}

bool fitsMethod(const Match& match, std::string_view method) {
  return match.methods.empty() || std::find(match.methods.begin(), match.methods.end(), method) != match.methods.end();
}

bool fitsPath(const Match& match, std::string_view path) {
  if (match.paths.empty()) return true;
  std::string changed;
  std::string bare;
  const auto canonical = http::canonicalPath(path, changed);
  if (!canonical) return false;
  return isAnyOf(match.paths, http::withoutParameters(*canonical, bare), matchesPath);
}

/// Lower case and without its port.
bool fitsHost(const Match& match, std::string_view authority) {
  if (match.hosts.empty()) return true;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string host(authority.substr(0, colon));
  std::transform(host.begin(), host.end(), host.begin(), http::lower);
  if (host.ends_with('.')) host.pop_back();  // the same name, said to be whole
  return isAnyOf(match.hosts, host, matches);
}

bool isPresent(std::string_view value) { return value.data() != nullptr; }

template <class Find>
bool fitsNamed(const std::map<std::string, Pattern>& wanted, Find find) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    const std::string_view value = find(one.first);
    return isPresent(value) && matches(one.second, value);
  });
}

/// As http::find, but tells an empty value from none.
std::string_view headerOf(const filter::ExchangeView& view, std::string_view lowerName) {
  for (const http::HeaderField& field : view.headers) {
    if (http::equalsFolded(field.name, lowerName)) return field.value.data() ? field.value : std::string_view("");
  }
  return {};
}

bool fitsAgent(const Match& match, std::string_view agent) {
  return match.userAgents.empty() || (isPresent(agent) && isAnyOf(match.userAgents, agent, matches));
}

}  // namespace

std::string_view cookieOf(const filter::ExchangeView& view, std::string_view name) {
  for (const http::HeaderField& field : view.headers) {
    if (!http::equalsFolded(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (!pair.empty() && http::isBlank(pair.front())) pair.remove_prefix(1);
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
    }
  }
  return {};
}

std::string_view parameterOf(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
  }
  return {};
}

bool fits(const Match& match, const filter::Exchange& exchange) {
  if (!fitsConnection(match, exchange.connection)) return false;
  if (!match.needsExchange()) return true;
  const filter::ExchangeView& view = exchange.view;
  const http::TargetParts target = http::partsOf(view.path);
  return fitsMethod(match, view.method) && fitsPath(match, target.path) && fitsHost(match, view.authority) &&
         fitsNamed(match.headers, [&](const std::string& name) { return headerOf(view, name); }) &&
         fitsNamed(match.cookies, [&](const std::string& name) { return cookieOf(view, name); }) &&
         fitsNamed(match.query, [&](const std::string& name) { return parameterOf(target.query, name); }) &&
         fitsAgent(match, headerOf(view, "user-agent"));
}

}  // namespace loam::filters
