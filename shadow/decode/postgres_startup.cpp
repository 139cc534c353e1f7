#include "shadow/decode/postgres_startup.h"

#include <algorithm>

#include "shadow/decode/byte_cursor.h"

namespace loam::decode {
namespace {

bool isLetter(std::uint8_t byte) { return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'; }

}  // namespace

bool PostgresStartup::plausible(std::uint32_t length, std::uint32_t code) {
  if (code == kSslRequest || code == kGssRequest) return length == 8;
  if (code == kCancelRequest) return length >= 16 && length <= 12 + 256;
  return code >> 16 == kProtocol3 && (code & 0xFFFF) < 100 && length > 8 && length <= kMostLength;
}

Match matchPostgres(Direction first, Bytes bytes, const DecoderContext&) {
  if (first != Direction::Upstream) return Match::No;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 2); ++i) {
    if (bytes[i] != 0) return Match::No;
  }
  // A length below 10 000 and a code that starts with 3 or 1234: nothing is waited for where one byte already says no.
  if (bytes.size() > 4 && bytes[4] != 0 && bytes[4] != 0x04) return Match::No;
  if (bytes.size() > 5 && bytes[5] != 0x03 && bytes[5] != 0xD2) return Match::No;
  if (bytes.size() < 8) return Match::NeedMore;
  const std::uint32_t code = bigEndian32(bytes, 4);
  if (!PostgresStartup::plausible(bigEndian32(bytes, 0), code)) return Match::No;
  if (code >> 16 != PostgresStartup::kProtocol3) return Match::Yes;
  // A Kafka request can look the same up to here; a parameter's name never starts with its correlation id's zero byte.
  if (bytes.size() < 10) return bytes.size() > 8 && !isLetter(bytes[8]) ? Match::No : Match::NeedMore;
  return isLetter(bytes[8]) && (isLetter(bytes[9]) || bytes[9] == '_') ? Match::Yes : Match::No;
}

}  // namespace loam::decode
