#include "proxy/guard/conntrack.h"

#include <fstream>

namespace loam::guard {

namespace {

Result<std::uint64_t> number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return fail(ErrorCode::NotFound, path + " cannot be read: connection tracking is not loaded");
}

}  // namespace

Result<ConntrackRoom> readConntrackRoom(const std::string& directory) {
  const auto count = number(directory + "/nf_conntrack_count");
  if (!count) return fail(count.error());
  const auto limit = number(directory + "/nf_conntrack_max");
  if (!limit) return fail(limit.error());
  return ConntrackRoom{*count, *limit};
}

}  // namespace loam::guard
