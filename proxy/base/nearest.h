#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loam {

/// The names that `wanted` may have meant, best first: at most `most`, each within a third of its length in edits
/// (insert, delete, replace, swap of neighbours) or starting with it. Case does not count.
std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> names, std::size_t most = 3);

/// " (did you mean a, b?)" or nothing: what follows an error about `wanted`.
std::string didYouMean(std::string_view wanted, std::span<const std::string> names);

}  // namespace loam
