#include "proxy/base/checked_file.h"

#include "proxy/base/atomic_file.h"
#include "proxy/base/sha256.h"

namespace loam {

Result<std::optional<std::string>> readChecked(const std::string& path, std::size_t most) {
  constexpr std::size_t kDigits = 64;
  auto text = readFile(path, most + kDigits + 2);  // two line ends
  if (!text && text.error().code == ErrorCode::NotFound) return std::nullopt;
  if (!text) return fail(std::move(text).error());
  const std::size_t end = text->find('\n');
  std::string content = end == std::string::npos ? std::string() : text->substr(end + 1);
  if (content.ends_with('\n')) content.pop_back();
  if (end != kDigits || text->substr(0, end) != sha256Hex(content)) {
    return fail(ErrorCode::Protocol, path + " is damaged: its checksum is not that of its content");
  }
  return content;
}

Status replaceChecked(const std::string& path, std::string_view content) {
  return replaceFile(path, sha256Hex(content) + "\n" + std::string(content) + "\n");
}

}  // namespace loam
