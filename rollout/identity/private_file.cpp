#include "rollout/identity/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "proxy/base/atomic_file.h"
#include "proxy/base/descriptor.h"

namespace loam::identity {

namespace {

constexpr std::size_t kMostBytes = 64 * 1024;

auto failed(std::string_view doing, const std::filesystem::path& path) {
  const int error = errno;  // before anything else can change it
  return fail(systemError(error, std::string(doing) + " " + path.string()));
}

}  // namespace

Status writePrivateFile(const std::filesystem::path& path, std::string_view bytes) {
  return replaceFile(path.string(), bytes);
}

Result<std::string> readPrivateFile(const std::filesystem::path& path, mode_t forbidden) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0) return failed("opening", path);
  if (!S_ISREG(found.st_mode)) return fail(ErrorCode::InvalidArgument, path.string() + " is no regular file");
  if ((found.st_mode & forbidden) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", found.st_mode & 07777U);
    return fail(ErrorCode::Denied, path.string() + " has mode " + mode.data() + ": others can read what it keeps");
  }
  std::string bytes(kMostBytes + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const auto count = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("reading", path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMostBytes) return fail(ErrorCode::InvalidArgument, path.string() + " has more than 64 KiB");
  bytes.resize(size);
  return bytes;
}

}  // namespace loam::identity
