#include "proxy/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proxy/base/descriptor.h"
#include "proxy/base/durable_file.h"

namespace loam {

namespace {

Status writeAndSync(const std::string& path, std::string_view bytes) {
  ::unlink(path.c_str());  // of a program that was killed half way
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail(systemError(errno, "writing " + path));
  LOAM_TRY(writeAll(file.get(), bytes, path));
  if (::fsync(file.get()) != 0) return fail(systemError(errno, "writing " + path));
  return {};
}

}  // namespace

Result<std::string> readFile(const std::string& path, std::size_t most) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(systemError(errno, "reading " + path));
  std::string bytes;
  constexpr std::size_t kPiece = 64 * 1024;
  for (;;) {
    const std::size_t held = bytes.size();
    bytes.resize(held + kPiece);
    const ssize_t count = ::read(file.get(), bytes.data() + held, kPiece);
    if (count < 0 && errno != EINTR) return fail(systemError(errno, "reading " + path));
    bytes.resize(held + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return bytes;
    if (bytes.size() > most)
      return fail(ErrorCode::Exhausted, path + " has more than " + std::to_string(most) + " bytes");
  }
}

Status replaceFile(const std::string& path, std::string_view bytes) {
  const std::string next = path + ".next";
  if (const Status written = writeAndSync(next, bytes); !written) {
    ::unlink(next.c_str());
    return written;
  }
  if (::rename(next.c_str(), path.c_str()) != 0) return fail(systemError(errno, "replacing " + path));
  return syncDirectoryOf(path);
}

}  // namespace loam
