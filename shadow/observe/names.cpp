#include "shadow/observe/names.h"

#include <algorithm>

namespace loam::observe {

namespace {

constexpr std::size_t kLongestName = 253;

std::string_view withoutPort(std::string_view name) {
  const auto colon = name.rfind(':');
  if (colon == std::string_view::npos) return name;
  const std::string_view port = name.substr(colon + 1);
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? name.substr(0, colon) : name;
}

/// Units, executables and gRPC services: as they are, if they are printable and short.
std::string printableName(std::string_view name) {
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return printable && name.size() <= kLongestName ? std::string(name) : std::string();
}

}  // namespace

std::string normaliseName(std::string_view name) {
  name = withoutPort(name);
  while (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kLongestName || name.front() == '.' || name.front() == '-') return {};
  if (IpAddress::parse(name)) return {};
  std::string out;
  out.reserve(name.size());
  bool letter = false;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool alphabetic = lower >= 'a' && lower <= 'z';
    if (!alphabetic && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') return {};
    if (c == '.' && !out.empty() && out.back() == '.') return {};
    letter |= alphabetic;
    out.push_back(lower);
  }
  return letter ? out : std::string();
}

void NameCollector::note(const IpAddress& address, std::uint16_t port, std::string_view source, std::string_view name,
                         std::uint64_t times) {
  const bool hostName = source != "process" && source != "grpc";
  std::string normal = hostName ? normaliseName(name) : printableName(name);
  if (normal.empty() || times == 0) return;
  const Key key{{address, port}, std::string(source)};
  auto at = known_.find(key);
  if (at == known_.end()) {
    if (names_ >= kMostNames) return;
    at = known_.emplace(key, std::vector<Name>()).first;
  }
  std::vector<Name>& names = at->second;
  const bool told = std::all_of(names.begin(), names.end(), [](const Name& known) { return known.untold == 0; });
  auto known = std::find_if(names.begin(), names.end(), [&](const Name& one) { return one.name == normal; });
  if (known == names.end()) {
    if (names.size() < kMostPerSource && names_ < kMostNames) {
      ++names_;
      known = names.insert(names.end(), {std::move(normal), 0, 0});
    } else {
      // The rarest makes room and leaves its count, so that a frequent name gets past a flood of single ones.
      known =
          std::min_element(names.begin(), names.end(), [](const Name& a, const Name& b) { return a.seen < b.seen; });
      if (known == names.end()) return;
      known->name = std::move(normal);
      known->untold = 0;
    }
  }
  known->seen += times;
  known->untold += times;
  if (told) untold_.push_back(&at->first);
}

std::vector<wire::NameEvidence> NameCollector::take() {
  std::vector<wire::NameEvidence> out;
  std::sort(untold_.begin(), untold_.end());
  untold_.erase(std::unique(untold_.begin(), untold_.end()), untold_.end());
  for (const Key* key : untold_) {
    for (Name& name : known_.find(*key)->second) {
      if (name.untold == 0) continue;
      out.push_back({key->address.ip, key->address.port, key->source, name.name, name.untold});
      name.untold = 0;
    }
  }
  untold_.clear();
  return out;
}

}  // namespace loam::observe
