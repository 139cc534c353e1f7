#pragma once

#include <string_view>

namespace loam::http {

/// One header field as it came on the wire; HTTP/2 pseudo-headers are not among them.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};

}  // namespace loam::http
