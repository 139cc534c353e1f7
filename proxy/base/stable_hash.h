#pragma once

#include <cstdint>
#include <string_view>

namespace loam {

/// MurmurHash3_x86_32 (Austin Appleby, public domain): the hash of percentages, the same in every build for ever.
std::uint32_t murmur3(std::string_view bytes, std::uint32_t seed = 0);

/// FNV-1a, 64 bits: names things across processes (edge ids, text keys). Not for tables that a peer can flood.
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325u) {
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace loam
