#pragma once

#include <json/value.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/fields.h"
#include "proxy/filters/settings.h"
#include "rollout/features/ground.h"

namespace loam::features {

/// What a percentage is of: who is switched first.
enum class Unit : std::uint8_t {
  None,  ///< the stage holds for all or nobody
  Connection,
  Request,         ///< by trace id, or by a sticky key where the settings name one
  Instance,        ///< of the service
  Source,          ///< a calling service
  SourceIdentity,  ///< a proven one
};
/// "connection", "source identity", ...; empty for None.
std::string_view name(Unit unit);

/// One rung of a feature's ladder.
struct Stage {
  std::string_view name;
  Unit unit = Unit::None;
  bool beside = false;   ///< works beside the relay and cannot break a request; may be skipped on the way up
  bool expires = false;  ///< only with an end
  /// What a proxy has to say it can do; to one that does not, the stage is off. Empty for "off".
  std::string_view capability = {};
};

/// What a stage of one feature demands of another feature of the same service.
struct Need {
  std::string_view feature;
  std::string_view stage;  ///< at least
  bool whole = true;       ///< at 100 %
  std::string_view why;
};

/// Where a feature is to go; what its needs depend on.
struct Target {
  std::string_view stage;
  const Json::Value& settings;
};

/// A flag that is to rise: from where, and to what.
struct Rise {
  std::string_view from;
  bool fromWhole = false;  ///< it was at 100 %
  std::string_view to;
  const Json::Value& settings;              ///< with which it is to be there
  const std::vector<std::string>& exclude;  ///< for whom it will not hold; sorted
};

/// What the record and the fleet have to show before a stage: met, or why not.
struct Check {
  std::string name;
  bool passed = false;
  std::string found;

  bool operator==(const Check&) const = default;
};
/// What a stage is asked about, and what it would do: impact.h.
struct Question;
struct Impact;

/// Reads what a rise stands on, which takes its time: asked only where something is checked.
using ReadGround = std::function<Ground()>;

/// Something the mesh can do for a service (DESIGN section 6): a line in the registry, and a file of its own.
struct Feature {
  std::string_view name;
  std::string_view summary;  ///< one line for people
  std::string_view acts;     ///< "callee side", "caller side", "whichever proxy sees it", "both ends", "either side"
  std::span<const Stage> ladder;     ///< from "off" up
  std::string_view initial = "off";  ///< where a service is that nobody has touched
  /// It goes down rung by rung, each in effect before the next (flags::stepsDown): one end must not stop what the other
  /// still insists on.
  bool stepwise = false;
  /// Reads the settings strictly and gives them in their one canonical form: members that were given, durations and
  /// rates in their shortest text. `stage` may demand some; "off" demands none.
  Json::Value (*settings)(std::string_view stage, const Json::Value& given, std::vector<FieldProblem>& problems);
  /// Good settings with every default filled in: what a proxy is sent, so that no two versions of it differ.
  Json::Value (*complete)(const Json::Value& settings);
  /// Every member that the settings may have.
  std::vector<filters::Setting> (*outline)();
  /// What the stage needs first.
  std::vector<Need> (*needs)(const Target& target);
  /// What has to be shown before it rises so; null: nothing ever.
  std::vector<Check> (*checks)(const Rise& rise, const ReadGround& read) = nullptr;
  /// What a proxy has to be able to do for these settings, besides the stage itself; null: nothing ever.
  std::vector<std::string_view> (*demands)(const Target& target) = nullptr;
  /// What it would have done to the traffic of a window, at a stage that does not work beside the relay; null: it has
  /// no such stage. Asked by way of impactOf().
  Impact (*impact)(const Question& question) = nullptr;
  bool asksMoments = false;  ///< impact() reads the window bucket by bucket

  /// Its place in the ladder; nothing for a name that is no stage of it.
  std::optional<std::size_t> rung(std::string_view stage) const;
};

/// All of them, in the order of DESIGN section 6: adding a feature is its file and a line in registry.cpp.
std::span<const Feature> registry();
/// Null when there is no such feature.
const Feature* find(std::string_view name);

/// All that a proxy has to say it can do to be given the stage with these settings; none for "off".
std::vector<std::string_view> capabilitiesFor(const Feature& feature, const Stage& stage, const Json::Value& settings);

/// Why a flag may not go from one stage to another in one move: nothing when it may. Down is always allowed; up may
/// pass over stages that work beside the relay, and over no other. Both are stages of the feature.
std::optional<std::string> refusesMove(const Feature& feature, std::string_view from, std::string_view to);

}  // namespace loam::features
