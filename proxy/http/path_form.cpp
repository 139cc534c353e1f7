#include "proxy/http/path_form.h"

#include <algorithm>
#include <cstdint>

#include "proxy/base/utf8.h"
#include "proxy/http/http1_chars.h"

namespace loam::http {

namespace {

int hexOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// RFC 3986 2.3.
bool isUnreserved(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '-' ||
         byte == '.' || byte == '_' || byte == '~';
}

/// Whether nothing in it could have to be changed or refused.
bool isPlain(std::string_view path) {
  char before = 0;
  for (const char c : path) {
    if (c == '%' || c == '\\' || c == '\0' || (before == '/' && (c == '/' || c == '.'))) return false;
    before = c;
  }
  return true;
}

/// Decodes what is encoded without need. False: two servers may read it in two ways.
bool decode(std::string_view path, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string raw;  // all bytes decoded, to see whether they are UTF-8
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' || path[i] == '\0') return false;
    if (path[i] != '%') {
      out += path[i];
      raw += path[i];
      continue;
    }
    if (i + 2 >= path.size()) return false;
    const int high = hexOf(path[i + 1]);
    const int low = hexOf(path[i + 2]);
    if (high < 0 || low < 0) return false;
    const auto byte = static_cast<unsigned char>(high << 4 | low);
    if (byte == '/' || byte == '\\' || byte == 0) return false;
    raw += static_cast<char>(byte);
    if (isUnreserved(byte)) {
      out += static_cast<char>(byte);
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
    i += 2;
  }
  return isUtf8(raw);
}

/// Takes out empty and dot segments. False: it leads above the root, or a dot segment has parameters.
bool removeSegments(std::string_view path, std::string& out) {
  for (std::size_t from = 1; from <= path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    const std::string_view segment = path.substr(from, end - from);
    const bool isLast = end == path.size();
    from = end + 1;
    if (segment.starts_with(".;") || segment.starts_with("..;")) return false;
    if (segment == "..") {
      if (out.empty()) return false;
      out.erase(out.rfind('/'));
    } else if (!segment.empty() && segment != ".") {
      out.append("/").append(segment);
      continue;
    }
    if (isLast) out += '/';
  }
  return true;
}

}  // namespace

TargetParts partsOf(std::string_view target) {
  TargetParts parts;
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return {.path = target, .query = {}};
    target.remove_prefix(scheme + 3);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    parts.authority = target.substr(0, end);
    target.remove_prefix(end);
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  parts.path = question == 0 ? "/" : target.substr(0, question);
  if (question < target.size()) parts.query = target.substr(question + 1);
  return parts;
}

std::optional<std::string_view> canonicalPath(std::string_view path, std::string& changed) {
  if (!path.starts_with('/')) return path;  // "*", or the authority of CONNECT
  if (isPlain(path)) return path;
  std::string decoded;
  changed.clear();
  if (!decode(path, decoded) || !removeSegments(decoded, changed)) return std::nullopt;
  if (changed == path) return path;
  return changed;
}

std::string_view withoutParameters(std::string_view path, std::string& changed) {
  if (path.find(';') == std::string_view::npos) return path;
  changed.clear();
  bool passing = true;
  for (const char c : path) {
    if (c == ';') passing = false;
    if (c == '/') passing = true;
    if (passing) changed += c;
  }
  return changed;
}

}  // namespace loam::http
