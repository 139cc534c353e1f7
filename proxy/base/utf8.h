#pragma once

#include <optional>
#include <string_view>

namespace loam {

/// Takes one character off the front of `text`, which is not empty. What is no UTF-8 (overlong forms and surrogates
/// included) gives nothing and stays.
std::optional<char32_t> takeCharacter(std::string_view& text);

/// Whether every byte belongs to a character.
bool isUtf8(std::string_view text);

/// Whether a character acts where it is shown instead of being seen: controls (C0, DEL, C1), line and paragraph
/// separators, marks without width or that turn the direction of text (E11).
bool movesText(char32_t character);

}  // namespace loam
