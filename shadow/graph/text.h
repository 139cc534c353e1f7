#pragma once

#include <string>
#include <string_view>

namespace loam::graph {

/// Whole UTF-8 of characters that move nothing: no controls (C0, DEL, C1), no line or paragraph separators, no
/// direction marks.
bool isPrintableUtf8(std::string_view text);

}  // namespace loam::graph
