#include "shadow/observe/pins.h"

#include <algorithm>
#include <numeric>

namespace loam::observe {

Pin Pins::pinOf(const Samples& samples) {
  const auto most = std::max_element(samples.begin(), samples.end());
  const auto total = std::accumulate(samples.begin(), samples.end(), std::uint64_t{0});
  return {static_cast<decode::Protocol>(most - samples.begin()), *most, total - *most};
}

bool Pins::learn(const SocketAddress& destination, decode::Protocol protocol) {
  auto at = samples_.find(destination);
  if (at == samples_.end()) {
    if (samples_.size() >= kMostDestinations) return false;
    at = samples_.emplace(destination, Samples{}).first;
  }
  Samples& samples = at->second;
  const Pin before = pinOf(samples);
  std::uint32_t& count = samples[static_cast<std::size_t>(protocol)];
  const bool first = count == 0;
  if (count != ~std::uint32_t{0}) ++count;
  const bool conflict = before.samples != 0 && before.protocol != protocol;
  if (conflict) ++conflicts_;
  return conflict && first;
}

std::optional<Pin> Pins::find(const SocketAddress& destination) const {
  const auto at = samples_.find(destination);
  if (at == samples_.end()) return std::nullopt;
  return pinOf(at->second);
}

}  // namespace loam::observe
