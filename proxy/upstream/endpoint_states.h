#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "proxy/base/address.h"
#include "proxy/upstream/endpoint_state.h"

namespace loam::upstream {

/// What a proxy knows of the services that it calls and of their endpoints, by name and address: the same for every
/// snapshot and worker. Asked when a snapshot is read, never when an exchange comes. Any thread.
class EndpointStates {
 public:
  /// Endpoints that are remembered; what is beyond that is not shared by snapshots.
  static constexpr std::size_t kMost = 65'536;
  /// So long after the last snapshot that named it: longer than ejections last by default.
  static constexpr std::chrono::minutes kRemembered{10};

  /// That of an endpoint. One that no snapshot in use had named starts slowly again, but keeps what is held against it.
  std::shared_ptr<EndpointState> of(const std::string& service, const SocketAddress& address, Monotonic now);
  /// That of a service as a whole.
  std::shared_ptr<ServiceState> ofService(const std::string& service);
  std::size_t size() const;

 private:
  struct Known {
    std::shared_ptr<EndpointState> state;
    Monotonic unused{};  // since when, as far as anybody looked
  };
  std::shared_ptr<ServiceState> serviceOf(const std::string& service);
  void forget(Monotonic now, nanoseconds unused);

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, SocketAddress>, Known> endpoints_;
  std::map<std::string, std::weak_ptr<ServiceState>> services_;
  Monotonic looked_{};  // at all of them
};

}  // namespace loam::upstream
