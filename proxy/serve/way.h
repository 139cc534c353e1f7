#pragma once

#include <memory>

#include "proxy/filter/http_filter.h"

namespace loam::serve {

/// What one exchange goes through, as the snapshot in force says when its head has come.
struct Way {
  const filter::HttpFilters* filters = nullptr;  ///< null: none
  filter::ConnectionView connection{};           ///< filled where there are some
  std::shared_ptr<const void> keeps{};           ///< both, until the exchange is over
};

/// Asked once for each exchange of a connection.
class Ways {
 public:
  virtual ~Ways() = default;
  virtual Way now() = 0;
};

/// Nothing but the server.
class StraightAhead final : public Ways {
 public:
  Way now() override { return {}; }
};

}  // namespace loam::serve
