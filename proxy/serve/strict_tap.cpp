#include "proxy/serve/strict_tap.h"

#include <algorithm>

namespace loam::serve {

std::uint64_t StrictTap::onBytes(relay::Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) {
  const std::uint64_t unseen =
      reader_.feed(direction, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, now);
  return std::min(inner_->onBytes(direction, bytes, now), unseen);
}

void StrictTap::onSkipped(relay::Direction direction, std::uint64_t count, Monotonic now) {
  reader_.skip(direction, count, now);
  inner_->onSkipped(direction, count, now);
}

void StrictTap::onEnd(relay::Direction direction, Monotonic now) {
  reader_.end(direction, now);
  inner_->onEnd(direction, now);
}

void StrictTap::onClosed(relay::CloseReason reason, Monotonic now) {
  reader_.close(now);
  inner_->onClosed(reason, now);
}

}  // namespace loam::serve
