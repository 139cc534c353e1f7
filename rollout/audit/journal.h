#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"
#include "rollout/audit/ledger.h"

namespace loam::audit {

/// A commit that the ledger could not take yet.
struct JournalEntry {
  std::vector<Edit> edits;
  Act act;
  std::int64_t at = 0;  ///< unix milliseconds
};

/// The emergency journal: keeps kill possible while the ledger cannot be written, and remembers it until it can. One
/// line of JSON an entry, with a digest, in a file whose room is written in advance, so that a full disk does not
/// matter (except on file systems that never write in place). Handing the same entries to the ledger twice does no
/// harm. One thread at a time; the ledger's lock keeps a second controller away.
class Journal {
 public:
  static constexpr std::size_t kRoom = 64 * 1024;

  /// Opens or makes it, mode 0600. Unsupported for a file that is no journal; it is left alone.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& path, std::size_t room = kRoom);

  /// The entry is on the disk when it returns. Beyond its room it needs more of the disk: Exhausted where there is
  /// none. After an error the entry may be there or not.
  Status append(const JournalEntry& entry);

  struct Contents {
    std::vector<JournalEntry> entries;  ///< oldest first
    std::size_t damaged = 0;            ///< lines before the last good one that are not what was written
  };
  /// What was appended since the last clear. A last line that was not finished is passed over.
  Result<Contents> read() const;

  /// Forgets all entries: the ledger has them. On the disk when it returns.
  Status clear();

 private:
  Journal(std::filesystem::path path, Descriptor file, std::size_t room)
      : path_(std::move(path)), file_(std::move(file)), room_(room) {}
  Status prepare();
  Result<std::string> bytes() const;
  Status write(std::string_view bytes, std::size_t at);

  const std::filesystem::path path_;
  const Descriptor file_;
  const std::size_t room_;
  std::size_t used_ = 0;  ///< bytes up to the end of the last good line
};

}  // namespace loam::audit
