#include "proxy/guard/closed_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "proxy/base/atomic_file.h"
#include "proxy/base/durable_file.h"

namespace loam::guard {

namespace {

constexpr std::string_view kClosed = "loam-guard 1 closed";
constexpr std::string_view kOpened = "loam-guard 1 opened";
constexpr std::string_view kEnd = "end";  // a file that was cut short closes less than was said
constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

Result<std::optional<ClosedFile::Content>> ClosedFile::load() const {
  const auto bytes = readFile(path_, kMostBytes);
  if (!bytes && bytes.error().code == ErrorCode::NotFound) return std::optional<Content>();
  if (!bytes) return fail(bytes.error());
  Content content;
  bool ended = false;
  std::size_t number = 0;
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorCode::Protocol, path_ + ":" + std::to_string(number) + ": " + why);
  };
  for (std::string_view rest = *bytes; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++number;
    if (number == 1) {
      content.opened = line == kOpened;
      if (line != kClosed && line != kOpened) return wrong("expected '" + std::string(kClosed) + "'");
    } else if (line == kEnd) {
      ended = rest.empty();
    } else {
      const auto way = ClosedWay::parse(line);
      if (!way) return wrong(way.error().context);
      content.ways.push_back(*way);
    }
  }
  if (!ended) return wrong("expected '" + std::string(kEnd) + "' as the last line");
  if (const Status checked = check(content.ways); !checked) return wrong(checked.error().context);
  std::sort(content.ways.begin(), content.ways.end());
  return std::optional<Content>(std::move(content));
}

Status ClosedFile::store(const Content& content) const {
  if (content.ways.empty()) {
    if (::unlink(path_.c_str()) == 0) return syncDirectoryOf(path_);
    if (errno == ENOENT) return {};
    return fail(systemError(errno, "removing " + path_));
  }
  std::string text = std::string(content.opened ? kOpened : kClosed) + "\n";
  for (const ClosedWay& way : content.ways) text.append(way.text()).append("\n");
  text.append(kEnd).append("\n");
  std::error_code ignored;  // writing says it better
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  return replaceFile(path_, text);
}

void ClosedFile::setAside() const {
  std::error_code ignored;
  std::filesystem::rename(path_, path_ + ".damaged", ignored);
}

}  // namespace loam::guard
