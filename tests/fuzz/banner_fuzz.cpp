#include <algorithm>
#include <cstdlib>
#include <span>

#include "shadow/decode/registry.h"

/// The first byte says who speaks first; every recogniser then sees ever more of the rest and must stay with its first
/// answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace loam::decode;
  if (size == 0) return 0;
  const Direction first = bytes[0] % 2 == 0 ? Direction::Upstream : Direction::Downstream;
  const std::span<const std::uint8_t> opening(bytes + 1, std::min<std::size_t>(size - 1, 1024));
  for (const Recogniser& recogniser : recognisers()) {
    Match before = Match::NeedMore;
    for (std::size_t shown = 0; shown <= opening.size(); ++shown) {
      const Match answer = recogniser.match(first, opening.first(shown), DecoderContext());
      if (before != Match::NeedMore && answer != before) std::abort();
      before = answer;
    }
  }
  return 0;
}
