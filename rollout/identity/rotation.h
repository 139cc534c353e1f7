#pragma once

#include <json/value.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/result.h"

namespace loam::identity {

/// How far the change from one root to another is. Roots are named by their SHA-256.
enum class RotationState : std::uint8_t {
  Steady,       ///< one root, trusted and issuing
  BothTrusted,  ///< a second one is trusted, the first still issues
  NewIssues,    ///< both are trusted, the second issues
  Retiring,     ///< the first is trusted no more
};
std::string_view name(RotationState state);

/// What every agent has to know and to have done: trust these roots, and hold a leaf of the one that issues. Each step
/// is so small that agents of one step and of the one before it believe each other; so no step follows before all live
/// agents have acknowledged the last one. A value: it can be written down at any time and gone on with.
struct Rotation {
  RotationState state = RotationState::Steady;
  std::uint64_t step = 1;  ///< what agents acknowledge; grows whenever there is something to do for them
  std::string issuing{};   ///< whose leaves are handed out
  std::string other{};     ///< the one that comes or goes; empty when steady
  std::int64_t since = 0;  ///< unix seconds: of this step

  /// Whom agents believe.
  std::vector<std::string> trusted() const;
  bool operator==(const Rotation&) const = default;
};

/// How far one live agent is. In NewIssues and after an abort it acknowledges when it holds a leaf of `issuing`. Agents
/// that are away are nobody's to wait for: one that comes back after its root was retired has to join again.
struct Acknowledgement {
  std::string agent;
  std::uint64_t step = 0;
};

/// The live agents that have not acknowledged the present step, in order.
std::vector<std::string> notYet(const Rotation& rotation, const std::vector<Acknowledgement>& live);

/// The next step; Conflict names the agents that are waited for, or says why there is no such step. `begin` leaves
/// Steady with a new root; `advance` goes on to the next state, and from Retiring back to Steady; `abort` turns around
/// without waiting for anybody: whatever the agents have done so far, they go on believing each other.
Result<Rotation> begin(const Rotation& rotation, const std::string& newRoot, const std::vector<Acknowledgement>& live,
                       std::int64_t now);
Result<Rotation> advance(const Rotation& rotation, const std::vector<Acknowledgement>& live, std::int64_t now);
Result<Rotation> abort(const Rotation& rotation, std::int64_t now);

constexpr std::string_view kRotationKind = "rotation";
Json::Value toJson(const Rotation& rotation);
/// InvalidArgument for a state that cannot be.
Result<Rotation> rotationFromJson(const Json::Value& body);

}  // namespace loam::identity
