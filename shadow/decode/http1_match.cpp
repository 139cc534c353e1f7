#include <algorithm>

#include "proxy/http/http1_chars.h"
#include "shadow/decode/http1_decoder.h"

namespace loam::decode {
namespace {

constexpr std::size_t kLongestMethod = 32;

/// Whether the line ends in " HTTP/1.x", blanks after it aside.
bool endsInVersion(std::string_view line) {
  constexpr std::string_view kVersion = " HTTP/1.";
  line = http::trim(line);
  return line.size() > kVersion.size() && http::isDigit(line.back()) &&
         line.substr(0, line.size() - 1).ends_with(kVersion);
}

/// Whether the target starts in one of the forms that a request line knows.
bool startsTarget(std::string_view target) { return target.starts_with('/') || target.starts_with("http"); }

}  // namespace

Match matchHttp1(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext&) {
  if (first != Direction::Upstream) return Match::No;
  constexpr std::size_t kMostShown = 1024;
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kMostShown));
  const bool all = text.size() == kMostShown;
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  if (text.empty()) return all ? Match::No : Match::NeedMore;

  const auto blank = std::find_if_not(text.begin(), text.end(), http::isTokenByte);
  const auto method = static_cast<std::size_t>(blank - text.begin());
  if (method > kLongestMethod) return Match::No;
  if (blank == text.end()) return all ? Match::No : Match::NeedMore;
  if (method == 0 || !http::isBlank(*blank)) return Match::No;

  const char* stop = http::findControl(text.data(), text.data() + text.size());
  const std::string_view line(text.data(), stop);
  if (stop != text.data() + text.size()) {
    // Either line end will do; any other control byte is no HTTP.
    if (*stop == '\r' && stop + 1 == text.data() + text.size() && !all) return Match::NeedMore;
    const bool ended = *stop == '\n' || (*stop == '\r' && stop + 1 != text.data() + text.size() && stop[1] == '\n');
    return ended && endsInVersion(line) ? Match::Yes : Match::No;
  }
  if (!all) return Match::NeedMore;
  return startsTarget(http::trim(line.substr(method))) ? Match::Yes : Match::No;
}

}  // namespace loam::decode
