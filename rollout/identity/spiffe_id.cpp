#include "rollout/identity/spiffe_id.h"

#include <algorithm>

namespace loam::identity {

namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::size_t kLongest = 255;

bool isDomainByte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; }
bool isSegmentByte(char c) { return isDomainByte(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

bool isSegment(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && std::all_of(text.begin(), text.end(), isSegmentByte);
}

}  // namespace

std::string spiffeId(std::string_view trustDomain, std::string_view kind, std::string_view name) {
  std::string text(kScheme);
  text.append(trustDomain).append("/").append(kind).append("/").append(name);
  return text;
}

bool isTrustDomain(std::string_view text) {
  // No dot at an end: a name constraint that begins with one would take in every domain below.
  return !text.empty() && text.front() != '.' && text.back() != '.' &&
         std::all_of(text.begin(), text.end(), isDomainByte);
}

std::optional<SpiffeId> parseSpiffeId(std::string_view text) {
  if (text.size() > kLongest || !text.starts_with(kScheme)) return std::nullopt;
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t first = rest.find('/');
  const std::size_t second = first == std::string_view::npos ? first : rest.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  SpiffeId id{std::string(rest.substr(0, first)), std::string(rest.substr(first + 1, second - first - 1)),
              std::string(rest.substr(second + 1))};
  if (!isTrustDomain(id.trustDomain) || !isSegment(id.kind) || !isSegment(id.name)) return std::nullopt;
  return id;
}

}  // namespace loam::identity
