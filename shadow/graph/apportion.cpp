#include <algorithm>
#include <numeric>

#include "shadow/graph/merge.h"

namespace loam::graph {

namespace {

/// The shares of `value`: rounded down, and what is left goes one by one to the heaviest.
std::vector<std::uint64_t> shares(std::uint64_t value, const std::vector<std::uint64_t>& weights) {
  __extension__ typedef unsigned __int128 Wide;
  Wide sum = 0;
  for (const std::uint64_t weight : weights) sum += weight;
  std::vector<std::uint64_t> out(weights.size(), 0);
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  if (sum == 0) {
    out[order.front()] = value;
    return out;
  }
  std::uint64_t left = value;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    out[i] = static_cast<std::uint64_t>(Wide{value} * weights[i] / sum);
    left -= out[i];
  }
  for (std::size_t i = 0; left > 0; i = (i + 1) % order.size(), --left) ++out[order[i]];
  return out;
}

void split(const wire::Counts& whole, const std::vector<std::uint64_t>& weights,
           const std::vector<wire::Counts*>& parts) {
  for (const auto counter :
       {&wire::Counts::connections, &wire::Counts::failedConnections, &wire::Counts::tlsConnections,
        &wire::Counts::requests, &wire::Counts::errors, &wire::Counts::resets, &wire::Counts::denied,
        &wire::Counts::bytesSent, &wire::Counts::bytesReceived}) {
    const auto values = shares(whole.*counter, weights);
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i]->*counter = values[i];
  }
  for (const auto& [bucket, times] : whole.latency.filled()) {
    const auto values = shares(times, weights);
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i]->latency.add(bucket, values[i]);
  }
}

}  // namespace

std::vector<Tally> apportion(const Tally& whole, const std::vector<std::uint64_t>& weights) {
  std::vector<Tally> out(weights.size());
  std::vector<wire::Counts*> parts;
  for (Tally& tally : out) parts.push_back(&tally.counts);
  split(whole.counts, weights, parts);
  for (const wire::RouteCounts& route : whole.routes) {
    parts.clear();
    for (Tally& tally : out) {
      tally.routes.push_back({route.route, {}});
      parts.push_back(&tally.routes.back().counts);
    }
    split(route.counts, weights, parts);
  }
  return out;
}

}  // namespace loam::graph
