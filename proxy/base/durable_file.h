#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam {

/// Writes all of it where the descriptor stands; errors name `path`. Not on the disk yet.
Status writeAll(int file, std::string_view bytes, const std::string& path);

/// When it returns, what was written to the file is on the disk.
Status syncFile(const std::filesystem::path& file);

/// The same for the names in the directory that holds `file`: what was made, renamed or removed there.
Status syncDirectoryOf(const std::filesystem::path& file);

/// Gives `from` the name `to` unless a file has it already (Conflict); on the disk when it returns.
Status renameToNew(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace loam
