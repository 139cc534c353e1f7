#pragma once

#include <cstdint>
#include <string_view>

namespace loam {

/// MurmurHash3_x86_32 (Austin Appleby, public domain): the hash of percentages, the same in every build for ever.
std::uint32_t murmur3(std::string_view bytes, std::uint32_t seed = 0);

/// Where a unit stands among 0..99'999: (murmur3("SALT|UNIT") * 100000) >> 32. The percentages of all flags go by it
/// ("m3-100k-v1"): a unit that is in at 5 % is in at 25 %.
std::uint32_t bucketOf(std::string_view salt, std::string_view unit);

/// FNV-1a, 64 bits: names things across processes (edge ids, text keys). Not for tables that a peer can flood.
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325u) {
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace loam
