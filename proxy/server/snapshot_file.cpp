#include "proxy/server/snapshot_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <utility>

#include "proxy/base/atomic_file.h"
#include "proxy/base/descriptor.h"
#include "proxy/base/durable_file.h"
#include "proxy/base/sha256.h"

namespace loam::server {

namespace {

constexpr std::size_t kDigits = 64;          // of the checksum
constexpr std::size_t kMostHeadBytes = 128;  // checksum, length, line end

std::string slotOf(std::string_view content) {
  std::string text = sha256Hex(content) + " " + std::to_string(content.size()) + "\n";
  text.append(content);
  const std::size_t last = text.size() % SnapshotFile::kStep;
  text.append(last == 0 ? 0 : SnapshotFile::kStep - last, '\n');
  return text;
}

/// The content of a slot; nothing where its checksum is not that of its content. What an older one left behind the end
/// does not count.
std::optional<std::string> contentOf(std::string_view text) {
  const std::size_t end = text.substr(0, kMostHeadBytes).find('\n');
  if (end == std::string_view::npos || end <= kDigits + 1 || text[kDigits] != ' ') return std::nullopt;
  std::size_t length = 0;
  const char* const last = text.data() + end;
  const auto [stop, error] = std::from_chars(text.data() + kDigits + 1, last, length);
  if (error != std::errc() || stop != last || length > text.size() - end - 1) return std::nullopt;
  std::string content(text.substr(end + 1, length));
  if (text.substr(0, kDigits) != sha256Hex(content)) return std::nullopt;
  return content;
}

/// Nothing when there is no such file; Protocol when it is damaged.
Result<std::optional<wire::Snapshot>> loadSlot(const std::string& path) {
  auto text = readFile(path, wire::kMostSnapshotBytes + kMostHeadBytes + SnapshotFile::kStep);
  if (!text && text.error().code == ErrorCode::NotFound) return std::nullopt;
  if (!text) return fail(std::move(text).error());
  const auto content = contentOf(*text);
  if (!content) return fail(ErrorCode::Protocol, path + " is damaged: its checksum is not that of its content");
  auto snapshot = wire::decodeSnapshot(*content);
  if (!snapshot) return fail(ErrorCode::Protocol, path + ": " + snapshot.error().context);
  return *std::move(snapshot);
}

Status writeOver(const std::string& path, std::string_view bytes) {
  const bool isNew = ::access(path.c_str(), F_OK) != 0;
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail(systemError(errno, "writing " + path));
  LOAM_TRY(writeAll(file.get(), bytes, path));
  if (::fdatasync(file.get()) != 0) return fail(systemError(errno, "writing " + path));
  return isNew ? syncDirectoryOf(path) : Status();
}

std::pair<std::uint64_t, std::uint64_t> ageOf(const wire::Snapshot& snapshot) {
  return {snapshot.epoch, snapshot.generation};
}

}  // namespace

Result<std::optional<wire::Snapshot>> SnapshotFile::load() const {
  auto first = loadSlot(slots_[0]);
  auto second = loadSlot(slots_[1]);
  const bool one = first && *first;
  const bool two = second && *second;
  if (one && two) return ageOf(**first) > ageOf(**second) ? first : second;
  if (one) return first;  // a store to the other was cut off, or there was none yet
  if (two) return second;
  return first ? second : first;
}

std::size_t SnapshotFile::older() const {
  const auto first = loadSlot(slots_[0]);
  const auto second = loadSlot(slots_[1]);
  if (!first || !*first) return 0;
  if (!second || !*second) return 1;
  return ageOf(**first) > ageOf(**second) ? 1 : 0;
}

Status SnapshotFile::store(std::string_view encoded) {
  if (!next_) next_ = older();
  LOAM_TRY(writeOver(slots_[*next_], slotOf(encoded)));
  next_ = 1 - *next_;
  return {};
}

void SnapshotFile::moveAside() const {
  for (const std::string& slot : slots_) {
    std::error_code ignored;  // what stays in the way is written over by the next snapshot
    std::filesystem::rename(slot, slot + ".damaged", ignored);
  }
}

}  // namespace loam::server
