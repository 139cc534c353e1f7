#pragma once

#include <cstdint>

#include "proxy/base/clock.h"
#include "proxy/filter/exchange_view.h"
#include "proxy/relay/tap.h"

namespace loam::filter {

/// Who is told by a tap of the exchanges that it reads beside a connection, so that filters can be asked about those
/// that they do not act on. On the connection's worker, during the tap's calls.
class RequestListener {
 public:
  virtual ~RequestListener() = default;
  /// Bytes are passing; before what they bring is told.
  virtual void onMoved(relay::Direction direction, Monotonic now) = 0;
  /// A request's head was read, before its bytes go on. `view` is valid during the call.
  virtual void onRequestHead(const ExchangeView& view, Monotonic now) = 0;
  /// The exchange of this number (ExchangeView) is over, answered or not. `answered`: when the first byte of its answer
  /// came; `ended` where none did.
  virtual void onExchange(std::uint32_t number, Monotonic answered, Monotonic ended) = 0;
};

}  // namespace loam::filter
