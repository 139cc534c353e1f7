#pragma once

#include <string_view>
#include <vector>

#include "proxy/base/result.h"
#include "proxy/http/message.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// Reads the parameters that the graph's paths share.
class QueryReader {
 public:
  /// `now` in unix seconds; `request` outlives the reader.
  QueryReader(const http::Request& request, std::int64_t now) : request_(request), now_(now) {}

  /// Fails at a parameter that is not among `known`, with the nearest name.
  Status expectOnly(const std::vector<std::string_view>& known) const;
  /// From `from` (`otherwise` where it is not said) to `to` (default now); fails on what is no time or not in that
  /// order.
  Result<graph::Window> window(std::string_view from = "from", std::string_view to = "to",
                               const char* otherwise = "-15m") const;
  /// from, to, focus, depth, collapse, protocol, min_rate, routes.
  Result<record::GraphQuery> graph() const;

 private:
  Result<bool> routes() const;

  const http::Request& request_;
  std::int64_t now_;
};

}  // namespace loam::api
