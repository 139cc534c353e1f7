#include "shadow/decode/server_names.h"

#include <algorithm>
#include <utility>

#include "proxy/base/stable_hash.h"
#include "proxy/http/http1_chars.h"

namespace loam::decode {
namespace {

constexpr std::size_t kLongestName = 253;

bool isNameByte(char c) { return (c >= 'a' && c <= 'z') || http::isDigit(c) || c == '-' || c == '.' || c == '_'; }

}  // namespace

void ServerNames::report(std::string_view authority, DecoderEvents& events) {
  if (count_ == kMostNames) return;
  if (const std::uint64_t came = fnv1a(authority); std::exchange(last_, came) == came) return;
  if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos) authority.remove_prefix(user + 1);
  authority = authority.substr(0, authority.find(':'));
  if (authority.ends_with('.')) authority.remove_suffix(1);
  if (authority.empty() || authority.size() > kLongestName) return;
  std::array<char, kLongestName> folded;
  const auto end = std::transform(authority.begin(), authority.end(), folded.begin(), http::lower);
  const std::string_view name(folded.data(), authority.size());
  if (!std::all_of(folded.begin(), end, isNameByte)) return;
  if (std::all_of(folded.begin(), end, [](char c) { return http::isDigit(c) || c == '.'; })) return;
  const std::uint64_t hash = fnv1a(name);
  if (std::find(seen_.begin(), seen_.begin() + count_, hash) != seen_.begin() + count_) return;
  seen_[count_++] = hash;
  events.onServerName(name);
}

}  // namespace loam::decode
