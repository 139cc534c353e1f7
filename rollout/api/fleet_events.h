#pragma once

#include <map>
#include <string>

#include "rollout/api/event_hub.h"
#include "rollout/fleet/fleet.h"

namespace loam::api {

/// Finds out what becomes of proxies by looking now and then, and tells the hub: joined, silent, back, refused. The
/// loop's thread.
class FleetEvents {
 public:
  static constexpr seconds kEvery{2};

  FleetEvents(const fleet::Fleet& fleet, EventHub& hub) : fleet_(fleet), hub_(hub) {}
  /// Says what is otherwise than at the last look; nothing while nobody listens.
  void look();

 private:
  struct Seen {
    bool silent = false;
    std::uint64_t refused = 0;  ///< generation; 0: none
  };

  void tell(const fleet::Agent& agent, const char* what, const std::string& reason = {});

  const fleet::Fleet& fleet_;
  EventHub& hub_;
  bool looked_ = false;  // at the last look somebody listened
  std::map<std::string, Seen> seen_;
};

}  // namespace loam::api
