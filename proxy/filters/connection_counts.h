#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "proxy/filters/rate_table.h"
#include "proxy/filters/source_table.h"
#include "proxy/upstream/endpoint_states.h"

namespace loam::filters {

/// What the caps of one service count, for all workers of the proxy together and across snapshots. Any thread.
struct ConnectionCounts {
  explicit ConnectionCounts(std::uint64_t seed) : sources(seed) {}

  std::atomic<std::uint32_t> open{0};
  std::atomic<std::uint64_t> others{0};  ///< connections whose source found no place: bounded by the total alone
  SourceTable sources;
};

/// What features count of each service, by its name. It lives as long as a snapshot asks for it or, of connections, one
/// of them is open. Any thread; asked when a snapshot is read, never when a connection or an exchange comes.
class ServiceLedger {
 public:
  std::shared_ptr<ConnectionCounts> of(const std::string& service);
  /// How many of its exchanges a fault holds.
  std::shared_ptr<std::atomic<std::uint32_t>> heldOf(const std::string& service);
  /// The buckets of its rate limits.
  std::shared_ptr<RateTable> ratesOf(const std::string& service);
  /// What is known of those that are called.
  upstream::EndpointStates& endpoints() { return endpoints_; }
  /// Connections whose source found no place, since the start.
  std::uint64_t others() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<ConnectionCounts>> counts_;
  std::map<std::string, std::weak_ptr<std::atomic<std::uint32_t>>> held_;
  std::map<std::string, std::weak_ptr<RateTable>> rates_;
  upstream::EndpointStates endpoints_;
  std::shared_ptr<std::atomic<std::uint64_t>> othersBefore_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace loam::filters
