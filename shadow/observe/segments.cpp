#include "shadow/observe/segments.h"

#include <algorithm>

#include "proxy/base/address.h"

namespace loam::observe {

namespace {

constexpr std::size_t kLongestName = 64;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }
bool isHex(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

template <class Predicate>
bool all(std::string_view text, Predicate predicate) {
  return !text.empty() && std::all_of(text.begin(), text.end(), predicate);
}

std::size_t countOf(std::string_view text, bool (*predicate)(char)) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), predicate));
}

/// `pattern`: 'x' a hexadecimal digit, '0' a decimal one, anything else itself.
bool looksLike(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == 'x' ? !isHex(text[i]) : pattern[i] == '0' ? !isDigit(text[i]) : text[i] != pattern[i])
      return false;
  }
  return true;
}

bool isDate(std::string_view text) {
  return looksLike(text.substr(0, 10), "0000-00-00") && (text.size() == 10 || text[10] == 'T');
}

bool isNumber(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return all(text, [](char c) { return isDigit(c) || c == '.' || c == ','; }) && isDigit(text.front());
}

bool isPlain(char c) {
  return isDigit(c) || isUpper(c) || isLower(c) ||
         std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

/// Long, of the base64 alphabets, and mixed as no word is: session keys, opaque ids, signatures.
bool isToken(std::string_view text) {
  if (text.size() < 16) return false;
  if (!all(text, [](char c) {
        return isDigit(c) || isUpper(c) || isLower(c) || c == '-' || c == '_' || c == '+' || c == '=' || c == '.';
      })) {
    return false;
  }
  const std::size_t digits = countOf(text, isDigit);
  const std::size_t uppers = countOf(text, isUpper);
  const std::size_t lowers = countOf(text, isLower);
  if (digits >= 2 && uppers >= 2 && lowers >= 2) return true;
  return text.size() >= 20 && digits * 4 >= text.size() && uppers + lowers > 0;
}

}  // namespace

std::string_view placeholderOf(std::string_view segment) {
  if (segment.empty()) return {};
  if (isNumber(segment)) return IpAddress::parse(segment) ? "{ip}" : "{id}";
  if (looksLike(segment, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")) return "{uuid}";
  if (isDate(segment)) return "{date}";
  if (segment.size() >= 8 && all(segment, isHex) && countOf(segment, isDigit) > 0) return "{hash}";
  if (!all(segment, isPlain)) return "{value}";
  const auto at = segment.find('@');
  if (at != std::string_view::npos && at > 0 && segment.find('.', at) != std::string_view::npos) return "{email}";
  if (segment.find(':') != std::string_view::npos && IpAddress::parse(segment)) return "{ip}";
  if (isToken(segment)) return "{token}";
  return segment.size() > kLongestName ? "{value}" : std::string_view();
}

}  // namespace loam::observe
