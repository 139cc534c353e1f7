#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam {

/// A file that says whether it is whole: one line with the SHA-256 of the next, which is the content (one line itself).
/// Nothing when there is no file; Protocol when it is damaged, which leaves it where it is; Exhausted when the content
/// has more than `most` bytes.
Result<std::optional<std::string>> readChecked(const std::string& path, std::size_t most);

/// In the place of `path`, as replaceFile does it.
Status replaceChecked(const std::string& path, std::string_view content);

}  // namespace loam
