#include "shadow/report/epoch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "proxy/base/descriptor.h"

namespace loam::report {

namespace {

std::uint64_t readLast(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  std::array<char, 32> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  std::uint64_t last = 0;
  if (size <= 0) return 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + size, last);
  const bool whole = error == std::errc() && end != text.data() + size && *end == '\n';
  return whole ? last : 0;
}

Status write(const std::string& path, const std::string& text) {
  const std::string next = path + ".next";
  Descriptor file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return fail(systemError(errno, "writing " + next));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(file.get()) != 0) {
    return fail(systemError(errno, "writing " + next));
  }
  file.close();
  if (::rename(next.c_str(), path.c_str()) != 0) return fail(systemError(errno, "replacing " + path));
  return {};
}

}  // namespace

Result<std::uint64_t> nextEpoch(const std::string& path, Wall now) {
  const auto wall = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count();
  const std::uint64_t epoch = std::max(static_cast<std::uint64_t>(std::max<std::int64_t>(wall, 1)), readLast(path) + 1);
  LOAM_TRY(write(path, std::to_string(epoch) + "\n"));
  return epoch;
}

}  // namespace loam::report
