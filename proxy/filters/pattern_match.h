#pragma once

#include <string_view>

#include "proxy/filters/match.h"

namespace loam::filters {

/// Whether the whole of `text` fits. A `*` is any run of bytes, `**` too. No allocation; at most the square of
/// the text's length.
bool matches(const Pattern& pattern, std::string_view text);
/// The same for a path: a `*` does not pass over a '/'.
bool matchesPath(const Pattern& pattern, std::string_view path);

}  // namespace loam::filters
