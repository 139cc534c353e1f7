#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "proxy/relay/leg.h"

namespace loam::serve {

/// One side of a served connection, written to. What it has no room for waits here; who writes looks at isFlushed()
/// before it reads more, so that a slow reader holds the other side back. One thread, no waiting.
class Output {
 public:
  explicit Output(relay::Leg leg) : leg_(leg) {}

  /// Takes all of it. Errors: the side is broken.
  Status write(std::string_view text);
  /// True when nothing waits any more.
  Result<bool> flush();
  bool isFlushed() const { return waiting_.empty() && leg_.isFlushed(); }
  /// Bytes given so far.
  std::uint64_t total() const { return total_; }
  relay::Leg leg() const { return leg_; }

 private:
  const relay::Leg leg_;
  std::vector<std::uint8_t> waiting_;
  std::size_t from_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace loam::serve
