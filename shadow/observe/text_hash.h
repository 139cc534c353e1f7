#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace loam::observe {

/// Keyed 64-bit hash by folded 64 x 64 bit products, eight bytes a step. The seed is drawn at start, so that nobody
/// outside can make two texts meet. Never 0.
inline std::uint64_t textHash(std::string_view text, std::uint64_t seed) {
  __extension__ using Wide = unsigned __int128;
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t hash = seed ^ (text.size() * 0x9E3779B97F4A7C15u);
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = fold(hash ^ word, 0xD6E8FEB86659FD93u ^ seed);
  }
  if (left > 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, left);
    hash = fold(hash ^ word, 0xA0761D6478BD642Fu ^ seed);
  }
  hash = fold(hash ^ 0xE7037ED1A0B428DBu, seed | 1);
  return hash == 0 ? 1 : hash;
}

}  // namespace loam::observe
