#include "shadow/graph/text.h"

#include <cstdint>

namespace loam::graph {

namespace {

/// Takes one character off the front; 0 for what is no UTF-8.
std::uint32_t takeCharacter(std::string_view& text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  const unsigned length = first < 0x80           ? 1
                          : (first >> 5) == 0x6  ? 2
                          : (first >> 4) == 0xe  ? 3
                          : (first >> 3) == 0x1e ? 4
                                                 : 0;
  if (length == 0 || text.size() < length) return 0;
  std::uint32_t character = length == 1 ? first : first & (0xffu >> (length + 1));
  for (unsigned i = 1; i < length; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return 0;
    character = (character << 6) | (byte & 0x3fu);
  }
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (character < kLeast[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff)) return 0;
  text.remove_prefix(length);
  return character;
}

bool movesText(std::uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0) || (character >= 0x200b && character <= 0x200f) ||
         (character >= 0x2028 && character <= 0x202e) || (character >= 0x2060 && character <= 0x206f) ||
         character == 0xfeff;
}

}  // namespace

bool isPrintableUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::uint32_t character = takeCharacter(text);
    if (character == 0 || movesText(character)) return false;
  }
  return true;
}

}  // namespace loam::graph
