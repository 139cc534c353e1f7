#include "shadow/decode/banner.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "shadow/decode/byte_cursor.h"

namespace loam::decode {
namespace {

std::string_view asText(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

bool isPrintable(std::uint8_t byte) { return byte >= 0x20 && byte < 0x7F; }

/// Whether `text` starts with `word`, as far as both go.
Match startsWith(std::string_view text, std::string_view word) {
  const std::size_t size = std::min(text.size(), word.size());
  if (text.substr(0, size) != word.substr(0, size)) return Match::No;
  return size == word.size() ? Match::Yes : Match::NeedMore;
}

/// Whether `text` holds `word`, written in capitals, in any case.
bool mentions(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

/// Reads BER headers; `short_` tells that the bytes ran out, as against being something else.
class BerReader {
 public:
  explicit BerReader(Bytes bytes) : rest_(bytes) {}

  /// The content length of the next element, which must have `tag`; the reader then stands at its content.
  std::optional<std::uint64_t> open(std::uint8_t tag) {
    if (!has(1)) return std::nullopt;
    if (rest_[0] != tag) return std::nullopt;
    if (!has(2)) return std::nullopt;
    std::uint64_t length = rest_[1];
    std::size_t size = 2;
    if (length >= 0x80) {
      const std::size_t width = length - 0x80;
      if (width == 0 || width > 4) return std::nullopt;
      if (!has(2 + width)) return std::nullopt;
      length = 0;
      for (std::size_t i = 0; i < width; ++i) length = length << 8 | rest_[2 + i];
      size += width;
    }
    rest_ = rest_.subspan(size);
    return length;
  }
  /// The next `size` bytes; empty when there are not as many.
  Bytes take(std::size_t size) {
    if (!has(size)) return {};
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  /// The tag of the next element; 0 when there is none.
  std::uint8_t tag() { return has(1) ? rest_[0] : std::uint8_t{0}; }
  /// What a failure means: more bytes could help, or none.
  Match failed() const { return short_ ? Match::NeedMore : Match::No; }

 private:
  bool has(std::size_t size) {
    short_ = rest_.size() < size;
    return !short_;
  }

  Bytes rest_;
  bool short_ = false;
};

}  // namespace

Match matchSsh(Direction, Bytes bytes, const DecoderContext&) {
  const Match newer = startsWith(asText(bytes), "SSH-2.0-");
  return newer == Match::No ? startsWith(asText(bytes), "SSH-1.99-") : newer;
}

Match matchSmtp(Direction first, Bytes bytes, const DecoderContext&) {
  constexpr std::size_t kMostLine = 512;  // RFC 5321 4.5.3.1.5
  if (first != Direction::Downstream) return Match::No;
  const std::string_view text = asText(bytes);
  if (const Match code = startsWith(text, "220"); code != Match::Yes) return code;
  if (text.size() > 3 && text[3] != ' ' && text[3] != '-') return Match::No;
  // A line that ends beyond is none, whether or not its end has come already.
  const std::size_t end = text.substr(0, kMostLine).find('\n');
  if (end == std::string_view::npos) return text.size() < kMostLine ? Match::NeedMore : Match::No;
  const std::string_view line = text.substr(0, end);
  return mentions(line, "SMTP") && !mentions(line, "FTP") ? Match::Yes : Match::No;
}

Match matchLdap(Direction first, Bytes bytes, const DecoderContext&) {
  constexpr std::uint64_t kMostRequest = 64 * 1024;
  constexpr std::uint8_t kBind = 0x60;
  constexpr std::uint8_t kExtended = 0x77;
  if (first != Direction::Upstream) return Match::No;
  BerReader reader(bytes);
  const auto message = reader.open(0x30);
  if (!message) return reader.failed();
  if (*message > kMostRequest) return Match::No;
  const auto idSize = reader.open(0x02);
  if (!idSize) return reader.failed();
  if (*idSize == 0 || *idSize > 4) return Match::No;
  if (reader.take(*idSize).empty()) return reader.failed();
  const std::uint8_t operation = reader.tag();
  if (operation == kExtended) {
    if (!reader.open(kExtended)) return reader.failed();
    const auto nameSize = reader.open(0x80);
    if (!nameSize) return reader.failed();
    constexpr std::string_view kStartTls = "1.3.6.1.4.1.1466.20037";
    if (*nameSize != kStartTls.size()) return Match::No;
    const Bytes name = reader.take(kStartTls.size());
    if (name.empty()) return reader.failed();
    return asText(name) == kStartTls ? Match::Yes : Match::No;
  }
  if (!reader.open(kBind)) return reader.failed();
  const auto versionSize = reader.open(0x02);
  if (!versionSize) return reader.failed();
  if (*versionSize != 1) return Match::No;
  const Bytes version = reader.take(1);
  if (version.empty()) return reader.failed();
  return version[0] == 2 || version[0] == 3 ? Match::Yes : Match::No;
}

Match matchKafka(Direction first, Bytes bytes, const DecoderContext&) {
  constexpr std::size_t kHeader = 14;
  constexpr std::uint32_t kNullClient = 0xFFFF;
  if (first != Direction::Upstream) return Match::No;
  for (const std::size_t zero : {0, 1, 4, 6, 8}) {
    if (bytes.size() > zero && bytes[zero] != 0) return Match::No;
  }
  if (bytes.size() > 5 && bytes[5] != 3 && bytes[5] != 17 && bytes[5] != 18) return Match::No;
  if (bytes.size() > 7 && bytes[7] > 15) return Match::No;
  if (bytes.size() < kHeader) return Match::NeedMore;
  const std::uint32_t size = bigEndian32(bytes, 0);
  const std::uint32_t nameSize = bigEndian16(bytes, 12);
  // Without a client's name only the smallest of requests is told from other binary protocols.
  if (nameSize == kNullClient) return bytes[5] == 18 && size == kHeader - 4 ? Match::Yes : Match::No;
  if (nameSize == 0 || nameSize > 255 || size < kHeader - 4 + nameSize) return Match::No;
  const Bytes name = bytes.subspan(kHeader, std::min<std::size_t>(nameSize, bytes.size() - kHeader));
  if (!std::all_of(name.begin(), name.end(), isPrintable)) return Match::No;
  return name.size() == nameSize ? Match::Yes : Match::NeedMore;
}

Match matchAmqp(Direction first, Bytes bytes, const DecoderContext&) {
  using namespace std::string_view_literals;
  if (first != Direction::Upstream) return Match::No;
  Match best = Match::No;
  for (const std::string_view header :
       {"AMQP\0\0\x09\x01"sv, "AMQP\0\x01\0\0"sv, "AMQP\x02\x01\0\0"sv, "AMQP\x03\x01\0\0"sv, "AMQP\x01\x01\0\x0a"sv,
        "AMQP\x01\x01\x08\0"sv, "AMQP\x01\x01\0\x09"sv}) {
    const Match match = startsWith(asText(bytes), header);
    if (match == Match::Yes) return match;
    if (match == Match::NeedMore) best = match;
  }
  return best;
}

Match matchMongodb(Direction first, Bytes bytes, const DecoderContext&) {
  constexpr std::uint64_t kMostMessage = 48'000'000;
  constexpr std::uint64_t kMessage = 2013;
  constexpr std::uint64_t kQuery = 2004;
  constexpr std::size_t kBody = 20;  // behind the header and the flags
  if (first != Direction::Upstream) return Match::No;
  if (bytes.size() > 3 && bytes[3] > 2) return Match::No;
  for (std::size_t i = 8; i < std::min<std::size_t>(bytes.size(), 12); ++i) {
    if (bytes[i] != 0) return Match::No;  // an answer to nothing
  }
  if (bytes.size() >= 4 && (littleEndian(bytes, 0, 4) <= kBody || littleEndian(bytes, 0, 4) > kMostMessage))
    return Match::No;
  if (bytes.size() > 12 && bytes[12] != (kMessage & 0xFF) && bytes[12] != (kQuery & 0xFF)) return Match::No;
  if (bytes.size() <= kBody) return Match::NeedMore;
  const std::uint64_t code = littleEndian(bytes, 12, 4);
  const std::uint64_t flags = littleEndian(bytes, 16, 4);
  if (code == kMessage) return (flags & ~std::uint64_t{0x10003}) == 0 && bytes[kBody] <= 1 ? Match::Yes : Match::No;
  if (code != kQuery || flags > 0xFF) return Match::No;
  constexpr std::size_t kMostName = 128;
  const std::string_view name = asText(bytes.subspan(kBody));
  const std::size_t end = name.find('\0');
  if (end == std::string_view::npos) return name.size() < kMostName ? Match::NeedMore : Match::No;
  return name.substr(0, end).ends_with(".$cmd") ? Match::Yes : Match::No;
}

}  // namespace loam::decode
