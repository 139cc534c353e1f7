#include "proxy/server/snapshot_file.h"

#include "proxy/base/checked_file.h"

namespace loam::server {

Result<std::optional<wire::Snapshot>> SnapshotFile::load() const {
  const auto body = readChecked(path_, wire::kMostSnapshotBytes);
  if (!body) return fail(body.error());
  if (!*body) return std::nullopt;
  auto snapshot = wire::decodeSnapshot(**body);
  if (!snapshot) return fail(ErrorCode::Protocol, path_ + ": " + snapshot.error().context);
  return *std::move(snapshot);
}

Status SnapshotFile::store(const wire::Snapshot& snapshot) const {
  return replaceChecked(path_, wire::encode(snapshot));
}

}  // namespace loam::server
