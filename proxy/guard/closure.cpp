#include "proxy/guard/closure.h"

#include <algorithm>

namespace loam::guard {

Status Closure::restore() {
  auto loaded = file_.load();
  if (!loaded) {
    log_.error("guard",
               "what was closed to plaintext cannot be read; the kernel's rules stay until a proxy says it again",
               {{"error", loaded.error().describe()}});
    if (loaded.error().code == ErrorCode::Protocol) file_.setAside();
    return {};
  }
  if (!*loaded) return {};
  content_ = stored_ = std::move(**loaded);
  if (content_.opened) return {};
  LOAM_TRY(capture_.close(content_.ways));
  log_.info("guard", "closed to plaintext, as before", {{"endpoints", std::to_string(endpointsOf(content_.ways))}});
  return {};
}

Result<bool> Closure::say(std::vector<ClosedWay> ways) {
  LOAM_TRY(check(ways));
  std::sort(ways.begin(), ways.end());
  ways.erase(std::unique(ways.begin(), ways.end()), ways.end());
  if (!content_.opened) LOAM_TRY(capture_.close(ways));
  const bool news = ways != content_.ways;
  content_.ways = std::move(ways);
  const bool more = !content_.opened && !std::includes(stored_.ways.begin(), stored_.ways.end(), content_.ways.begin(),
                                                       content_.ways.end());
  LOAM_TRY(keep(more));
  if (news) {
    log_.info("guard", content_.opened ? "to be closed to plaintext once capture is applied" : "closed to plaintext",
              {{"endpoints", std::to_string(endpointsOf(content_.ways))}});
  }
  return !content_.opened;
}

Status Closure::capture() {
  if (!content_.opened) return {};
  LOAM_TRY(capture_.close(content_.ways));
  content_.opened = false;
  return keep(true);
}

Result<std::size_t> Closure::open() {
  const std::size_t count = content_.opened ? 0 : endpointsOf(content_.ways);
  LOAM_TRY(capture_.close({}));
  if (content_.opened) return count;
  content_.opened = true;
  LOAM_TRY(keep(false));
  if (count != 0) log_.warn("guard", "opened to plaintext by hand", {{"endpoints", std::to_string(count)}});
  return count;
}

/// What the disk does not take is an error where something would be open after a restart that is closed now.
Status Closure::keep(bool closesMore) {
  if (content_.ways == stored_.ways && content_.opened == stored_.opened) return {};
  const Status stored = file_.store(content_);
  if (stored) {
    stored_ = content_;
    return {};
  }
  if (closesMore) return stored;
  log_.warn("guard", "what is closed to plaintext is not on disk as it is now", {{"error", stored.error().describe()}});
  return {};
}

}  // namespace loam::guard
