#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/wire/snapshot.h"

namespace loam::server {

/// The last snapshots that this proxy acknowledged, on its disk: what it starts from when nobody answers. They have two
/// slots, and each goes over the older of them, in place: whatever happens meanwhile, the newer is whole, and neither a
/// name nor (as a rule) a block of the disk changes, so that a store is one write and one flush. A slot is a line with
/// the SHA-256 and the length of what follows, the snapshot as it came, and line ends up to a multiple of kStep. One
/// thread.
class SnapshotFile {
 public:
  static constexpr std::size_t kStep = 4096;  ///< bytes that a slot grows by

  explicit SnapshotFile(const std::string& path) : slots_{path + ".0", path + ".1"} {}

  /// The newest that is whole; nothing when there is none at all; Protocol when those that are there are damaged, which
  /// leaves them where they are.
  Result<std::optional<wire::Snapshot>> load() const;
  /// A snapshot in its encoded form; on the disk when it returns. An error leaves the newest as it was.
  Status store(std::string_view encoded);
  /// Renames what is there to SLOT.damaged, for people to look at.
  void moveAside() const;
  const std::array<std::string, 2>& slots() const { return slots_; }

 private:
  /// The slot that is empty, damaged or older.
  std::size_t older() const;

  const std::array<std::string, 2> slots_;
  std::optional<std::size_t> next_;  // that a store goes to, once it is known
};

}  // namespace loam::server
