#include "rollout/identity/rotation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "proxy/base/json.h"

namespace loam::identity {

namespace {

constexpr std::array<std::string_view, 4> kNames = {"steady", "both_trusted", "new_issues", "retiring"};

Rotation next(const Rotation& from, RotationState state, std::int64_t now) {
  Rotation to = from;
  to.state = state;
  to.step = from.step + 1;
  to.since = now;
  return to;
}

Status allAcknowledged(const Rotation& rotation, const std::vector<Acknowledgement>& live) {
  constexpr std::size_t kNamed = 10;
  const std::vector<std::string> missing = notYet(rotation, live);
  if (missing.empty()) return {};
  std::string text = std::to_string(missing.size()) + " of " + std::to_string(live.size()) +
                     " live agents have not acknowledged step " + std::to_string(rotation.step) + ": ";
  for (std::size_t i = 0; i < std::min(missing.size(), kNamed); ++i) text.append(i == 0 ? "" : ", ").append(missing[i]);
  if (missing.size() > kNamed) text.append(", ...");
  return fail(ErrorCode::Conflict, std::move(text));
}

std::optional<RotationState> stateOf(std::string_view text) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<RotationState>(found - kNames.begin());
}

}  // namespace

std::string_view name(RotationState state) { return kNames[static_cast<std::size_t>(state)]; }

std::vector<std::string> Rotation::trusted() const {
  if (state == RotationState::BothTrusted || state == RotationState::NewIssues) return {issuing, other};
  return {issuing};
}

std::vector<std::string> notYet(const Rotation& rotation, const std::vector<Acknowledgement>& live) {
  std::vector<std::string> missing;
  for (const Acknowledgement& agent : live) {
    if (agent.step < rotation.step) missing.push_back(agent.agent);
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

Result<Rotation> begin(const Rotation& rotation, const std::string& newRoot, const std::vector<Acknowledgement>& live,
                       std::int64_t now) {
  if (rotation.state != RotationState::Steady) {
    return fail(ErrorCode::Conflict, "a rotation is under way already: " + std::string(name(rotation.state)));
  }
  if (newRoot.empty() || newRoot == rotation.issuing) {
    return fail(ErrorCode::InvalidArgument, "a rotation needs another root than the present one");
  }
  LOAM_TRY(allAcknowledged(rotation, live));
  Rotation begun = next(rotation, RotationState::BothTrusted, now);
  begun.other = newRoot;
  return begun;
}

Result<Rotation> advance(const Rotation& rotation, const std::vector<Acknowledgement>& live, std::int64_t now) {
  if (rotation.state == RotationState::Steady) return fail(ErrorCode::Conflict, "no rotation is under way");
  LOAM_TRY(allAcknowledged(rotation, live));
  switch (rotation.state) {
    case RotationState::BothTrusted: {
      Rotation turned = next(rotation, RotationState::NewIssues, now);
      std::swap(turned.issuing, turned.other);
      return turned;
    }
    case RotationState::NewIssues:
      return next(rotation, RotationState::Retiring, now);
    default:
      break;
  }
  // Nothing changes for the agents: the step they acknowledged stays.
  Rotation steady = rotation;
  steady.state = RotationState::Steady;
  steady.other.clear();
  steady.since = now;
  return steady;
}

Result<Rotation> abort(const Rotation& rotation, std::int64_t now) {
  // Nobody holds a leaf of the new root yet: it can go at once.
  if (rotation.state == RotationState::BothTrusted) return next(rotation, RotationState::Retiring, now);
  if (rotation.state == RotationState::NewIssues) {
    // The same way with the roots exchanged: first all agents need leaves of the first root again.
    Rotation turned = next(rotation, RotationState::NewIssues, now);
    std::swap(turned.issuing, turned.other);
    return turned;
  }
  return fail(ErrorCode::Conflict, rotation.state == RotationState::Steady
                                       ? "no rotation is under way"
                                       : "the old root is retired already: let this rotation end, then begin another");
}

Json::Value toJson(const Rotation& rotation) {
  Json::Value body(Json::objectValue);
  body["state"] = std::string(name(rotation.state));
  body["step"] = Json::UInt64(rotation.step);
  body["issuing"] = rotation.issuing;
  body["other"] = rotation.other;
  body["since"] = Json::Int64(rotation.since);
  return body;
}

Result<Rotation> rotationFromJson(const Json::Value& body) {
  const auto text = readString(body, "state");
  if (!text) return fail(text.error());
  const auto state = stateOf(*text);
  if (!state) return fail(ErrorCode::InvalidArgument, "state: \"" + *text + "\" is none of a rotation");
  const auto step = readUint(body, "step");
  if (!step) return fail(step.error());
  auto issuing = readString(body, "issuing");
  if (!issuing) return fail(std::move(issuing).error());
  auto other = readString(body, "other");
  if (!other) return fail(std::move(other).error());
  const auto since = readInt(body, "since");
  if (!since) return fail(since.error());
  if (issuing->empty() || *issuing == *other || other->empty() != (*state == RotationState::Steady)) {
    return fail(ErrorCode::InvalidArgument, "issuing, other: no roots of a rotation that is " + *text);
  }
  return Rotation{*state, *step, *std::move(issuing), *std::move(other), *since};
}

}  // namespace loam::identity
