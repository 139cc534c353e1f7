#pragma once

#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam {

/// The whole file; NotFound when there is none, Exhausted when it is longer than `most` bytes.
Result<std::string> readFile(const std::string& path, std::size_t most);

/// Puts `bytes` in the place of `path`, mode 0600: whoever reads it finds the old content or the new one, also after a
/// power cut. When it returns the new one is on the disk. Uses `path`.next meanwhile.
Status replaceFile(const std::string& path, std::string_view bytes);

}  // namespace loam
