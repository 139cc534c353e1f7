#include "shadow/report/epoch.h"

#include <algorithm>
#include <charconv>

#include "proxy/base/atomic_file.h"

namespace loam::report {

namespace {

std::uint64_t readLast(const std::string& path) {
  const auto text = readFile(path, 64);
  if (!text) return 0;
  std::uint64_t last = 0;
  const char* const stop = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), stop, last);
  const bool whole = error == std::errc() && end != stop && *end == '\n';
  return whole ? last : 0;
}

}  // namespace

Result<std::uint64_t> nextEpoch(const std::string& path, Wall now) {
  const auto wall = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count();
  const std::uint64_t epoch = std::max(static_cast<std::uint64_t>(std::max<std::int64_t>(wall, 1)), readLast(path) + 1);
  LOAM_TRY(replaceFile(path, std::to_string(epoch) + "\n"));
  return epoch;
}

}  // namespace loam::report
