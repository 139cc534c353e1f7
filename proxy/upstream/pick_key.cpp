#include "proxy/upstream/pick_key.h"

#include "proxy/base/stable_hash.h"

namespace loam::upstream {

PickKey PickKey::of(std::string_view text) {
  constexpr std::uint32_t kOtherSeed = 0x6c6f616d;
  PickKey key;
  key.hash_ = std::uint64_t{murmur3(text, kOtherSeed)} << 32U | murmur3(text);
  return key;
}

}  // namespace loam::upstream
