#pragma once

#include "proxy/relay/tap.h"

namespace loam::relay {

/// The tap of `observe: off`: looks at nothing, so that everything may go by splice.
class SilentTap final : public Tap {
 public:
  void onConnected(const Connected&) override {}
  std::uint64_t onBytes(Direction, std::span<const std::uint8_t>, Monotonic) override { return kOpaque; }
  void onSkipped(Direction, std::uint64_t, Monotonic) override {}
  void onEnd(Direction, Monotonic) override {}
  void onClosed(CloseReason, Monotonic) override {}
};

class SilentTapFactory final : public TapFactory {
 public:
  std::unique_ptr<Tap> open(const ConnectionFacts&, Monotonic) override { return std::make_unique<SilentTap>(); }
  void flush(Monotonic) override {}
};

}  // namespace loam::relay
