#pragma once

#include <map>
#include <string>

#include "proxy/base/address.h"

namespace loam::upstream {

using Labels = std::map<std::string, std::string>;

/// One place where a service answers.
struct Endpoint {
  SocketAddress address;
  std::string zone{};  ///< empty: not known
  Labels labels{};     ///< "version" -> "v2"
};

/// Whether an endpoint carries all that is wanted; any does where nothing is.
bool carries(const Labels& labels, const Labels& wanted);

}  // namespace loam::upstream
