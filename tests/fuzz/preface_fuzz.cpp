#include <cstdlib>
#include <vector>

#include "proxy/tls/preface.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::span<const std::uint8_t> bytesOf(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

/// What is read as a preface names where to, is written again as the same, and is no longer with a byte more or less.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace loam::tls;
  // A copy of its own, so that a look past the end is a sanitizer's catch.
  const std::vector<std::uint8_t> exact(bytes, bytes + size);
  const std::span whole(exact);
  const auto preface = decodePreface(whole);
  if (!preface) {
    require(preface.error().code == loam::ErrorCode::Protocol);
    return 0;
  }
  require(size <= kPrefaceHead + 512 && preface->destination.port != 0);
  require(*restOf(whole.first<kPrefaceHead>()) == size - kPrefaceHead);
  require(!decodePreface(whole.first(size - 1)));
  const std::string again = encode(*preface);
  const auto same = decodePreface(bytesOf(again));
  require(same && *same == *preface && again.size() <= size);
  return 0;
}
