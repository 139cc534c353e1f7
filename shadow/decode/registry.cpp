#include "shadow/decode/registry.h"

#include <array>

namespace loam::decode {

std::span<const Recogniser> recognisers() {
  // Order matters where prefixes overlap: the detector waits for an earlier NeedMore before it takes a later Yes.
  // A line is {Protocol::Foo, matchFoo, makeFoo}, both declared in foo_decoder.h.
  static constexpr std::array<Recogniser, 0> kAll{{
  }};
  return kAll;
}

}  // namespace loam::decode
