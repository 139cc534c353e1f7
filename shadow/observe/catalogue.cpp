#include "shadow/observe/catalogue.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <tuple>

#include "shadow/observe/names.h"

namespace loam::observe {

namespace {

std::optional<unsigned> numberOf(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

bool bit(const IpAddress& address, unsigned index) {
  return ((address.bytes()[index / 8] >> (7 - index % 8)) & 1) != 0;
}

bool isPattern(std::string_view pattern) {
  if (pattern.starts_with("*.")) pattern.remove_prefix(2);
  return pattern.find(':') == std::string_view::npos && !normaliseName(pattern).empty();
}

bool matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  pattern.remove_prefix(1);
  return host.size() > pattern.size() && host.ends_with(pattern);
}

/// Whose an address already is.
using Claimed = std::map<std::tuple<IpAddress, std::uint8_t, std::uint16_t>, std::string>;

void readAddresses(YamlMapping& entry, CatalogueService& service, Claimed& claimed) {
  for (const std::string& text : entry.texts("addresses")) {
    const auto address = parseCatalogueAddress(text);
    if (!address) {
      entry.problem("addresses", address.error().context);
      continue;
    }
    const auto [at, isNew] =
        claimed.emplace(std::tuple(address->network, address->prefix, address->port), service.name);
    if (!isNew) entry.problem("addresses", "\"" + text + "\" belongs to service \"" + at->second + "\"");
    service.addresses.push_back(*address);
  }
}

void readHosts(YamlMapping& entry, CatalogueService& service) {
  for (std::string host : entry.texts("hosts")) {
    if (!isPattern(host)) entry.problem("hosts", "\"" + host + "\" is no host name and no \"*.\" before one");
    std::transform(host.begin(), host.end(), host.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    service.hosts.push_back(std::move(host));
  }
}

}  // namespace

bool CatalogueAddress::holds(const IpAddress& address, std::uint16_t onPort) const {
  if (port != 0 && port != onPort) return false;
  for (unsigned i = 0; i < prefix; ++i) {
    if (bit(address, i) != bit(network, i)) return false;
  }
  return true;
}

Result<CatalogueAddress> parseCatalogueAddress(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorCode::InvalidArgument,
                why + " in \"" + std::string(text) + "\", expected ADDR, ADDR/BITS, ADDR:PORT or ADDR/BITS:PORT");
  };
  CatalogueAddress out;
  std::string_view network = text;
  std::optional<std::string_view> port;
  const bool brackets = text.starts_with('[');
  if (brackets) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return wrong("no closing bracket");
    network = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return wrong("no colon behind the bracket");
    if (!rest.empty()) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const auto colon = text.find(':');
    network = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (port) {
    const auto number = numberOf(*port, 65535);
    if (!number || *number == 0) return wrong("no port from 1 to 65535");
    out.port = static_cast<std::uint16_t>(*number);
  }
  const auto slash = network.find('/');
  const auto address = IpAddress::parse(network.substr(0, slash));
  if (!address) return wrong("no IP address");
  out.network = *address;
  if (slash == std::string_view::npos) return out;
  const unsigned width = address->isV4() ? 32 : 128;
  const auto bits = numberOf(network.substr(slash + 1), width);
  if (!bits) return wrong("no number of bits from 0 to " + std::to_string(width));
  out.prefix = static_cast<std::uint8_t>(128 - width + *bits);
  for (unsigned i = out.prefix; i < 128; ++i) {
    if (bit(out.network, i)) return wrong("bits set beyond the network's " + std::to_string(*bits));
  }
  return out;
}

Result<Catalogue> Catalogue::load(const std::string& path) {
  YamlProblems problems(path);
  auto root = YamlMapping::load(path, problems, {"services"});
  if (!root) return fail(std::move(root).error());
  return read(*std::move(root), problems);
}

Result<Catalogue> Catalogue::parse(std::string_view text, const std::string& file) {
  YamlProblems problems(file);
  return read(YamlMapping::parse(text, problems, {"services"}), problems);
}

Result<Catalogue> Catalogue::read(YamlMapping root, YamlProblems& problems) {
  Catalogue catalogue;
  std::set<std::string> names;
  Claimed claimed;
  for (YamlMapping& entry : root.mappings("services", {"name", "owner", "tags", "addresses", "hosts"})) {
    CatalogueService service;
    entry.require("name");
    service.name = entry.text("name").value_or("");
    if (entry.has("name") && service.name.empty()) entry.problem("name", "expected a name");
    if (!service.name.empty() && !names.insert(service.name).second) {
      entry.problem("name", "\"" + service.name + "\" is the name of another service");
    }
    service.owner = entry.text("owner").value_or("");
    if (auto tags = entry.mapping("tags", {})) {
      for (const std::string& tag : tags->keys()) service.tags[tag] = tags->text(tag).value_or("");
    }
    readAddresses(entry, service, claimed);
    readHosts(entry, service);
    catalogue.services_.push_back(std::move(service));
    if (catalogue.services_.size() > kMostServices) {
      entry.problem("name", "more than " + std::to_string(kMostServices) + " services");
      break;
    }
  }
  LOAM_TRY(problems.status());
  return catalogue;
}

const CatalogueService* Catalogue::find(const IpAddress& address, std::uint16_t port) const {
  const CatalogueService* best = nullptr;
  int bestRank = -1;
  for (const CatalogueService& service : services_) {
    for (const CatalogueAddress& claim : service.addresses) {
      const int rank = claim.prefix * 2 + (claim.port != 0 ? 1 : 0);
      if (rank <= bestRank || !claim.holds(address, port)) continue;
      best = &service;
      bestRank = rank;
    }
  }
  return best;
}

const CatalogueService* Catalogue::findHost(std::string_view host) const {
  const std::string wanted = normaliseName(host);
  const CatalogueService* best = nullptr;
  std::size_t longest = 0;
  for (const CatalogueService& service : services_) {
    for (const std::string& pattern : service.hosts) {
      if (pattern.size() <= longest || !matches(pattern, wanted)) continue;
      best = &service;
      longest = pattern.size();
    }
  }
  return best;
}

}  // namespace loam::observe
