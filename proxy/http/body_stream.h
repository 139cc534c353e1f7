#pragma once

#include <string>

#include "proxy/io/task.h"

namespace loam::http {

/// A response's body that comes piece by piece and may never end. The server asks for the next piece when the client
/// has taken the last one, so that what a slow client holds is one piece; a client that takes none for
/// Http1Limits::stall is cut. Dropped, also while a piece is being waited for, when client or server go.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// The next bytes; empty: that was all.
  virtual io::Task<std::string> next() = 0;
};

}  // namespace loam::http
