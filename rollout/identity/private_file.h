#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam::identity {

constexpr mode_t kOwnerOnly = 0077;    ///< bits that a file of ours must not have
constexpr mode_t kNotTheWorld = 0007;  ///< of one that an operator made, whose group may read it

/// Writes `path`, mode 0600: whatever happens meanwhile, it is the old file or the whole new one, on the disk when this
/// returns.
Status writePrivateFile(const std::filesystem::path& path, std::string_view bytes);

/// Reads at most 64 KiB. Denied when its mode has one of the `forbidden` bits, NotFound when it is not there.
Result<std::string> readPrivateFile(const std::filesystem::path& path, mode_t forbidden = kOwnerOnly);

}  // namespace loam::identity
