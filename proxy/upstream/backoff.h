#pragma once

#include <cstdint>

#include "proxy/base/clock.h"
#include "proxy/upstream/dice.h"

namespace loam::upstream {

/// How long to wait before a repeat.
struct BackoffTerms {
  nanoseconds base = milliseconds(25);
  nanoseconds most = milliseconds(250);
};

/// Drawn from 0 to `base`, which doubles with each repeat up to `most`: "full jitter" (Brooker, "Exponential backoff
/// and jitter", AWS architecture blog, 2015). `repeat`: 0 for the first.
nanoseconds backoff(const BackoffTerms& terms, std::uint32_t repeat, Dice& dice);

}  // namespace loam::upstream
