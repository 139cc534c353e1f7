#include "proxy/http/http1_facts.h"

#include <algorithm>

#include "proxy/http/http1_chars.h"

namespace loam::http {
namespace {

/// The next element of a comma separated list, trimmed; `list` loses it.
std::string_view takeElement(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view element = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return element;
}

std::optional<std::uint64_t> parseLength(std::string_view text) {
  constexpr std::uint64_t kMost = (std::uint64_t{1} << 63) - 1;
  if (text.empty()) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : text) {
    if (!isDigit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMost - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

}  // namespace

bool equalsFolded(std::string_view text, std::string_view lowerText) {
  return text.size() == lowerText.size() &&
         std::equal(text.begin(), text.end(), lowerText.begin(), [](char a, char b) { return lower(a) == b; });
}

bool hasToken(std::string_view list, std::string_view lowerToken) {
  while (!list.empty()) {
    if (equalsFolded(takeElement(list), lowerToken)) return true;
  }
  return false;
}

std::string_view find(std::span<const HeaderField> fields, std::string_view lowerName) {
  for (const HeaderField& field : fields) {
    if (equalsFolded(field.name, lowerName)) return field.value;
  }
  return {};
}

bool isIdempotent(std::string_view method) {
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

HeadFault FactReader::take(const HeaderField& field, HeadFacts& facts) {
  // The length rules out nearly every field before a byte is compared.
  switch (field.name.size()) {
    case 4:
      if (equalsFolded(field.name, "host") && hosts_++ == 0) facts.host = field.value;
      break;
    case 6:
      if (equalsFolded(field.name, "expect")) {
        facts.expectation = equalsFolded(field.value, "100-continue") ? Expectation::Continue : Expectation::Unknown;
      }
      break;
    case 7:
      if (equalsFolded(field.name, "upgrade") && !upgradeSeen_) {
        upgradeSeen_ = true;
        facts.upgradeTo = field.value;
      }
      break;
    case 10:
      if (equalsFolded(field.name, "connection")) takeConnection(field.value, facts);
      break;
    case 14:
      if (equalsFolded(field.name, "content-length")) return takeLength(field.value, facts);
      if (equalsFolded(field.name, "http2-settings")) facts.http2Settings = field.value;
      break;
    case 17:
      if (equalsFolded(field.name, "transfer-encoding")) return takeCoding(field.value, facts);
      break;
    default:
      break;
  }
  return HeadFault::None;
}

HeadFault FactReader::takeLength(std::string_view value, HeadFacts& facts) {
  if (strict_) {
    if (facts.contentLength) return HeadFault::ContentLength;
    facts.contentLength = parseLength(value);
    return facts.contentLength ? HeadFault::None : HeadFault::ContentLength;
  }
  do {
    const std::optional<std::uint64_t> length = parseLength(takeElement(value));
    if (!length || (facts.contentLength && *facts.contentLength != *length)) return HeadFault::ContentLength;
    facts.contentLength = length;
  } while (!value.empty());
  return HeadFault::None;
}

HeadFault FactReader::takeCoding(std::string_view value, HeadFacts& facts) {
  if (strict_) {
    if (coded_ || !equalsFolded(value, "chunked")) return HeadFault::TransferEncoding;
    coded_ = facts.chunked = true;
    return HeadFault::None;
  }
  while (!value.empty()) {
    const std::string_view coding = takeElement(value);
    if (coding.empty() || equalsFolded(coding, "identity")) continue;
    // Nothing may follow chunked, and it stands once.
    if (facts.chunked) return HeadFault::TransferEncoding;
    coded_ = true;
    facts.chunked = equalsFolded(coding, "chunked");
    if (!facts.chunked && !std::all_of(coding.begin(), coding.end(), isTokenByte)) return HeadFault::TransferEncoding;
  }
  return HeadFault::None;
}

void FactReader::takeConnection(std::string_view value, HeadFacts& facts) {
  while (!value.empty()) {
    const std::string_view token = takeElement(value);
    if (equalsFolded(token, "close")) close_ = true;
    if (equalsFolded(token, "keep-alive")) keepAlive_ = true;
    if (equalsFolded(token, "upgrade")) facts.upgrade = true;
  }
}

HeadFault FactReader::finish(bool request, std::uint8_t minorVersion, HeadFacts& facts) const {
  facts.keepAlive = !close_ && (minorVersion >= 1 || keepAlive_);
  facts.otherCoding = coded_ && !facts.chunked;
  if (coded_ && facts.contentLength) return HeadFault::BothLengths;
  if (coded_ && minorVersion == 0) return HeadFault::TransferEncoding;
  if (request && facts.otherCoding) return HeadFault::TransferEncoding;
  if (request && strict_ && (hosts_ > 1 || (hosts_ == 0 && minorVersion >= 1))) return HeadFault::Host;
  return HeadFault::None;
}

}  // namespace loam::http
