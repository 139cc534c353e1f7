#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "proxy/filter/request_listener.h"
#include "proxy/server/connection.h"

namespace loam::server {

/// Asks the filters of a service about the exchanges of one connection that they do not act on, by the snapshot in
/// force when each begins: all of them where it is relayed, those that watch how exchanges go where it is served. It
/// hears of them by the connection's tap, and only while some filter wants to be asked. The worker's thread.
class Simulation final : public filter::RequestListener {
 public:
  static constexpr std::size_t kMostOpen = 256;  ///< exchanges that are watched at once; of more, the first are let go

  /// Everything outlives it; `live` knows it as long as it lives. `identity`: SPIFFE id that the caller's proxy proved.
  Simulation(WorkerContext& context, LiveConnection& live, relay::Tap& tap, std::string_view identity, bool isServed);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation() override;

  /// Other services are in force.
  void onSnapshot();

  void onMoved(relay::Direction direction, Monotonic now) override;
  void onRequestHead(const filter::ExchangeView& view, Monotonic now) override;
  void onExchange(std::uint32_t number, Monotonic answered, Monotonic ended) override;

 private:
  /// An exchange that is bounded, had it been served so.
  struct Open {
    std::uint32_t number = 0;
    filter::Bounds bounds{};
    Monotonic began{};
    Monotonic sent{};  // the last byte of the request, as far as it is known
    Monotonic sentBefore{};
    nanoseconds silence{0};
    std::shared_ptr<const ServiceTable> keeps{};  // what `bounds` names
  };

  const Service& service() const;
  /// Who is asked.
  const std::vector<const filter::HttpFilter*>& filters(const Service& service) const;

  WorkerContext& context_;
  LiveConnection& live_;
  relay::Tap& tap_;
  const std::string_view identity_;
  std::vector<Open> open_;  // by when they began
  Monotonic moved_{};
  const bool isServed_;
  bool hears_ = false;
};

}  // namespace loam::server
