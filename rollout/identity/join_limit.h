#pragma once

#include <cstdint>
#include <map>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"

namespace loam::identity {

/// Who was refused too often is not listened to for a while (D10): five refusals a minute of an IPv4 address, or of an
/// IPv6 /64. Joins that succeed do not count, so that a hundred hosts behind one address may join at once. One thread.
class JoinLimit {
 public:
  static constexpr unsigned kMost = 5;
  static constexpr seconds kWindow{60};
  static constexpr std::size_t kMostSources = 10'000;  ///< beyond, nobody new is listened to until a minute is over

  bool admits(const IpAddress& from, Monotonic now);
  void refused(const IpAddress& from, Monotonic now);

 private:
  struct Count {
    Monotonic since;
    unsigned refusals = 0;
  };

  static IpAddress sourceOf(const IpAddress& from);
  void prune(Monotonic now);

  std::map<IpAddress, Count> counts_;
};

}  // namespace loam::identity
