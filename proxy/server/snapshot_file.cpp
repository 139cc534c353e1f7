#include "proxy/server/snapshot_file.h"

#include "proxy/base/atomic_file.h"
#include "proxy/base/sha256.h"

namespace loam::server {

Result<std::optional<wire::Snapshot>> SnapshotFile::load() const {
  constexpr std::size_t kDigits = 64;
  const auto text = readFile(path_, wire::kMostSnapshotBytes + kDigits + 2);
  if (!text && text.error().code == ErrorCode::NotFound) return std::nullopt;
  if (!text) return fail(text.error());
  const std::size_t end = text->find('\n');
  std::string_view body = end == std::string::npos ? std::string_view() : std::string_view(*text).substr(end + 1);
  if (body.ends_with('\n')) body.remove_suffix(1);
  if (end != kDigits || text->substr(0, end) != sha256Hex(body)) {
    return fail(ErrorCode::Protocol, path_ + " is damaged: its checksum is not that of its content");
  }
  auto snapshot = wire::decodeSnapshot(body);
  if (!snapshot) return fail(ErrorCode::Protocol, path_ + ": " + snapshot.error().context);
  return *std::move(snapshot);
}

Status SnapshotFile::store(const wire::Snapshot& snapshot) const {
  const std::string body = wire::encode(snapshot);
  return replaceFile(path_, sha256Hex(body) + "\n" + body + "\n");
}

}  // namespace loam::server
