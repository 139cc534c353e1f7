#include "rollout/audit/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "proxy/base/durable_file.h"
#include "proxy/base/json.h"
#include "rollout/audit/commit_plan.h"
#include "rollout/audit/digest.h"

namespace loam::audit {

namespace {

constexpr std::string_view kHeader = "loam-journal 1\n";
constexpr std::size_t kMostBytes = 64 * 1024 * 1024;
/// A line holds a body inside an edit inside the entry.
constexpr int kMostDepth = kMostBodyDepth + 4;

Json::Value toJson(const Edit& edit) {
  Json::Value out(Json::objectValue);
  out["kind"] = edit.kind;
  out["key"] = edit.key;
  if (edit.expected) out["expected"] = Json::UInt64{*edit.expected};
  if (edit.body) out["body"] = *edit.body;
  return out;
}

std::string lineOf(const JournalEntry& entry) {
  Json::Value out(Json::objectValue);
  out["act"] = audit::toJson(entry.act);
  out["at"] = Json::Int64{entry.at};
  Json::Value& edits = out["edits"] = Json::Value(Json::arrayValue);
  for (const Edit& edit : entry.edits) edits.append(toJson(edit));
  out["digest"] = digestOf(out);
  return writeJson(out) + "\n";
}

Result<Edit> editFrom(const Json::Value& value) {
  auto kind = readString(value, "kind");
  if (!kind) return fail(std::move(kind).error());
  auto key = readString(value, "key");
  if (!key) return fail(std::move(key).error());
  Edit edit{*std::move(kind), *std::move(key), {}, {}};
  if (value.isMember("expected")) {
    const auto expected = readUint(value, "expected");
    if (!expected) return fail(expected.error());
    edit.expected = *expected;
  }
  if (value.isMember("body")) edit.body = value["body"];
  return edit;
}

Result<JournalEntry> entryFrom(std::string_view line) {
  auto value = parseJson(line, kMostDepth);
  if (!value) return fail(std::move(value).error());
  const auto digest = readString(*value, "digest");
  if (!digest) return fail(digest.error());
  value->removeMember("digest");
  if (digestOf(*value) != *digest) return fail(ErrorCode::InvalidArgument, "the line is not what was written");
  JournalEntry entry;
  auto act = actFromJson((*value)["act"]);
  if (!act) return fail(std::move(act).error());
  entry.act = *std::move(act);
  const auto at = readInt(*value, "at");
  if (!at) return fail(at.error());
  entry.at = *at;
  for (const Json::Value& one : (*value)["edits"]) {
    auto edit = editFrom(one);
    if (!edit) return fail(std::move(edit).error());
    entry.edits.push_back(*std::move(edit));
  }
  return entry;
}

struct Scan {
  Journal::Contents contents;
  std::size_t used = kHeader.size();
};

/// Lines up to the first byte that was never written, or the last that ends.
Scan scan(std::string_view bytes) {
  Scan out;
  std::size_t bad = 0;
  for (std::size_t from = kHeader.size(); from < bytes.size() && bytes[from] != '\0';) {
    const std::size_t end = bytes.find('\n', from);
    if (end == std::string_view::npos) break;
    auto entry = entryFrom(bytes.substr(from, end - from));
    from = end + 1;
    if (!entry) {
      ++bad;
      continue;
    }
    out.contents.entries.push_back(*std::move(entry));
    out.contents.damaged += std::exchange(bad, 0);
    out.used = from;
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& path, std::size_t room) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail(systemError(errno, "opening " + path.string()));
  std::unique_ptr<Journal> journal(new Journal(path, std::move(file), room));
  LOAM_TRY(journal->prepare());
  return journal;
}

Status Journal::prepare() {
  const auto held = bytes();
  if (!held) return fail(held.error());
  // Zeros alone: it was killed before the header was written.
  const bool fresh = held->find_first_not_of('\0') == std::string::npos;
  if (!fresh && !held->starts_with(kHeader))
    return fail(ErrorCode::Unsupported, path_.string() + " is no journal of this program; move it away");
  // Zeros are written, not only reserved: writing over them takes nothing of the disk any more.
  if (held->size() < room_) LOAM_TRY(write(std::string(room_ - held->size(), '\0'), held->size()));
  if (fresh) {
    LOAM_TRY(write(kHeader, 0));
    LOAM_TRY(syncDirectoryOf(path_));
  }
  used_ = scan(*held).used;
  // What follows was not finished, or not wholly cleared.
  const std::size_t last = held->find_last_not_of('\0');
  if (fresh || last == std::string::npos || last < used_) return {};
  return write(std::string(last + 1 - used_, '\0'), used_);
}

Status Journal::append(const JournalEntry& entry) {
  const std::string line = lineOf(entry);
  // What cannot be read back is refused now, not found missing later.
  if (auto read = entryFrom(std::string_view(line).substr(0, line.size() - 1)); !read)
    return fail(std::move(read).error());
  if (used_ + line.size() >= kMostBytes) return fail(ErrorCode::Exhausted, path_.string() + " is full");
  // The zero behind it ends the journal, whatever an append or a clear that failed has left there.
  LOAM_TRY(write(line + '\0', used_));
  used_ += line.size();
  return {};
}

Result<Journal::Contents> Journal::read() const {
  const auto held = bytes();
  if (!held) return fail(held.error());
  return scan(*held).contents;
}

Status Journal::clear() {
  const auto held = bytes();
  if (!held) return fail(held.error());
  used_ = kHeader.size();
  LOAM_TRY(write(std::string(held->size() - used_, '\0'), used_));
  if (held->size() > room_ && ::ftruncate(file_.get(), static_cast<off_t>(room_)) != 0)
    return fail(systemError(errno, "shortening " + path_.string()));
  return {};
}

Result<std::string> Journal::bytes() const {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return fail(systemError(errno, "reading " + path_.string()));
  const auto size = static_cast<std::size_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || size > kMostBytes)
    return fail(ErrorCode::Unsupported, path_.string() + " is no journal of this program; move it away");
  std::string out(size, '\0');
  for (std::size_t at = 0; at < out.size();) {
    const ssize_t count = ::pread(file_.get(), out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(systemError(errno, "reading " + path_.string()));
    if (count == 0) out.resize(at);
    at += static_cast<std::size_t>(count);
  }
  return out;
}

Status Journal::write(std::string_view bytes, std::size_t at) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(systemError(errno, "writing " + path_.string()));
    bytes.remove_prefix(static_cast<std::size_t>(count));
    at += static_cast<std::size_t>(count);
  }
  if (::fdatasync(file_.get()) != 0) return fail(systemError(errno, "writing " + path_.string() + " to the disk"));
  return {};
}

}  // namespace loam::audit
