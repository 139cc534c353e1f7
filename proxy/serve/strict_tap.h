#pragma once

#include <memory>
#include <utility>

#include "proxy/relay/tap.h"
#include "proxy/serve/strict_reader.h"

namespace loam::serve {

/// A tap beside which a StrictReader reads along: `serve` at its stage `simulate`. What neither of the two has to see
/// goes by unseen.
class StrictTap final : public relay::Tap {
 public:
  StrictTap(std::unique_ptr<relay::Tap> inner, StrictReader reader)
      : inner_(std::move(inner)), reader_(std::move(reader)) {}

  void onConnected(const relay::Connected& how) override { inner_->onConnected(how); }
  std::uint64_t onBytes(relay::Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override;
  void onSkipped(relay::Direction direction, std::uint64_t count, Monotonic now) override;
  void onEnd(relay::Direction direction, Monotonic now) override;
  void onClosed(relay::CloseReason reason, Monotonic now) override;
  void tellRequestsTo(filter::RequestListener* listener) override { inner_->tellRequestsTo(listener); }

 private:
  const std::unique_ptr<relay::Tap> inner_;
  StrictReader reader_;
};

}  // namespace loam::serve
