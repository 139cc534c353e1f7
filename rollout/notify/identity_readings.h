#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rollout/identity/records.h"
#include "rollout/identity/standing.h"
#include "rollout/notify/conditions.h"

namespace loam::notify {

/// How long before the end of a certificate somebody is told that it was not renewed, in seconds: what renews itself
/// does so at about half of its life, so it is told when two fifths of it are left, but not earlier than this.
constexpr std::int64_t kRootAlarm = 90LL * 86'400;  ///< a root is changed by people
constexpr std::int64_t kOtherAlarm = 30LL * 86'400;
std::int64_t alarmOf(std::int64_t life, std::int64_t most);

/// Roots, their intermediates and the controller's own certificate; `now` in unix seconds. Any thread.
void readStanding(const identity::Standing& standing, std::int64_t now, std::vector<Reading>& into);

/// The newest certificate of each proxy that is not denied. One that has expired is nobody's any more: its proxy is
/// silent by then, or was taken down. The thread of the records.
void readCertificates(const identity::Records& records, std::int64_t now, std::vector<Reading>& into);

/// A change of the root whose step agents have not followed for kRotationPatience. `began`: when the controller did
/// (unix seconds); for a while after that it waits for all of them, and nothing is read.
constexpr std::int64_t kRotationPatience = 600;  ///< seconds
void readRotation(const identity::Rotation& rotation, const std::vector<identity::Acknowledgement>& live,
                  std::int64_t began, std::int64_t now, std::vector<Reading>& into);

}  // namespace loam::notify
