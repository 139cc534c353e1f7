#include "proxy/base/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "proxy/base/descriptor.h"

namespace loam {

namespace {

Status syncPath(const std::filesystem::path& path, int flags) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file || ::fsync(file.get()) != 0) return fail(systemError(errno, "writing " + path.string() + " to the disk"));
  return {};
}

}  // namespace

Status writeAll(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(systemError(errno, "writing " + path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status syncFile(const std::filesystem::path& file) { return syncPath(file, 0); }

Status syncDirectoryOf(const std::filesystem::path& file) {
  const std::filesystem::path directory = file.parent_path();
  return syncPath(directory.empty() ? "." : directory, O_DIRECTORY);
}

Status renameToNew(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return fail(ErrorCode::Conflict, to.string() + " exists already");
    return fail(systemError(errno, "naming " + to.string()));
  }
  return syncDirectoryOf(to);
}

}  // namespace loam
