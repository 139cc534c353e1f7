#pragma once

#include <string_view>

namespace loam::observe {

/// The placeholder that stands for a path segment which can only be a value: "{id}", "{uuid}", "{date}", "{hash}",
/// "{email}",
/// "{ip}", "{token}", or "{value}" for what is no plain text; empty for a segment that may be a name.
std::string_view placeholderOf(std::string_view segment);

}  // namespace loam::observe
