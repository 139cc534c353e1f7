#include "proxy/base/stable_hash.h"

#include <bit>
#include <cstring>
#include <string>

namespace loam {

std::uint32_t murmur3(std::string_view bytes, std::uint32_t seed) {
  constexpr std::uint32_t c1 = 0xcc9e2d51;
  constexpr std::uint32_t c2 = 0x1b873593;
  std::uint32_t hash = seed;
  const std::size_t blocks = bytes.size() / 4;
  for (std::size_t i = 0; i < blocks; ++i) {
    std::uint32_t k = 0;
    std::memcpy(&k, bytes.data() + i * 4, 4);
    hash ^= std::rotl(k * c1, 15) * c2;
    hash = std::rotl(hash, 13) * 5 + 0xe6546b64;
  }
  std::uint32_t tail = 0;
  for (std::size_t i = bytes.size(); i-- > blocks * 4;) tail = (tail << 8) | static_cast<std::uint8_t>(bytes[i]);
  if (bytes.size() % 4 != 0) hash ^= std::rotl(tail * c1, 15) * c2;
  hash ^= static_cast<std::uint32_t>(bytes.size());
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return hash ^ (hash >> 16);
}

std::uint32_t bucketOf(std::string_view salt, std::string_view unit) {
  constexpr std::uint64_t kBuckets = 100'000;
  const std::string both = std::string(salt).append("|").append(unit);
  return static_cast<std::uint32_t>((murmur3(both) * kBuckets) >> 32);
}

}  // namespace loam
