#pragma once

#include <memory>

#include "proxy/filter/http_filter.h"
#include "proxy/relay/leg.h"

namespace loam::serve {

/// What one exchange goes through, as the snapshot in force says when its head has come.
struct Way {
  const filter::HttpFilters* filters = nullptr;  ///< null: none
  filter::ConnectionView connection{};           ///< filled where there are some
  std::shared_ptr<const void> keeps{};           ///< both, until the exchange is over
};

/// A connection to a server that was dialled for exchanges; closed with it.
class Connection {
 public:
  virtual ~Connection() = default;
  /// As long as this lives.
  virtual relay::Leg leg() const = 0;
  /// Exchanges went over it already: its server may let it go any time.
  virtual bool isUsed() const = 0;
};

/// What the exchanges of one connection go through, and to.
class Ways {
 public:
  virtual ~Ways() = default;
  /// Asked once for each exchange.
  virtual Way now() = 0;
  /// A connection to `server`, or to where the client wanted to go; not one that was used where it is to be `fresh`.
  /// Errors: as a dial's, Timeout at the deadline.
  virtual io::Task<Result<std::unique_ptr<Connection>>> dial(std::optional<SocketAddress> server, bool fresh,
                                                             Monotonic deadline) = 0;
  /// Takes back one of those after a whole exchange.
  virtual void keep(std::unique_ptr<Connection> connection) = 0;
};

}  // namespace loam::serve
