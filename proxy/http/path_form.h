#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace loam::http {

/// A request target in its parts; views into it.
struct TargetParts {
  std::string_view path;         ///< "/" for an absolute target without one; "*" and an authority as they are
  std::string_view query;        ///< without its '?'
  std::string_view authority{};  ///< of an absolute target
};
TargetParts partsOf(std::string_view target);

/// The one form in which paths are compared and sent on (C1): runs of '/' are one, dot segments are gone (RFC 3986
/// 5.2.4), what is percent-encoded without need is decoded, hex digits are upper case. Nothing for a path that two
/// servers may read in two ways: an encoded '/', '\' or NUL, a '\', a percent sign that begins no two hex digits,
/// anything above the root, a dot segment with parameters behind it ("..;"), or UTF-8 that is none once decoded.
/// Allocates only where the form is another than `path`; then that is in `changed`, and the view is of it.
std::optional<std::string_view> canonicalPath(std::string_view path, std::string& changed);

/// A canonical path as rules compare it: without the parameters of its segments ("/a;v=1/b" is "/a/b"), which some
/// servers pass over.
std::string_view withoutParameters(std::string_view path, std::string& changed);

}  // namespace loam::http
