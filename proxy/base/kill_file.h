#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "proxy/base/result.h"

namespace loam {

/// A person's word that the proxies of this host are to switch everything off, with no network and no controller. It is
/// a file in their state directory: that it is there counts, what it says is for people.
struct KillOrder {
  std::string who;
  std::int64_t when = 0;  ///< unix seconds
  std::string why;

  bool operator==(const KillOrder&) const = default;
};

std::filesystem::path killFile(const std::filesystem::path& stateDirectory);

/// In force when it returns, also on a full disk, where it then says nothing. A second one replaces the first.
Status writeKill(const std::filesystem::path& stateDirectory, const KillOrder& order);
/// False when there was none.
Result<bool> removeKill(const std::filesystem::path& stateDirectory);
/// Nothing when there is none; an empty one where the file says nothing that can be read.
Result<std::optional<KillOrder>> readKill(const std::filesystem::path& stateDirectory);

}  // namespace loam
