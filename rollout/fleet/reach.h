#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rollout/features/feature.h"
#include "rollout/flags/flag.h"
#include "rollout/fleet/topology.h"
#include "rollout/fleet/traffic.h"

namespace loam::fleet {

/// A proxy as a preview needs to know it.
struct Carrier {
  std::string name;
  bool asked = false;                     ///< since this controller began
  bool silent = true;                     ///< and not heard of lately
  std::vector<std::string> capabilities;  ///< sorted
  std::set<std::string> services;         ///< that it carries
  std::uint64_t acknowledged = 0;         ///< revision of what is wanted that it has
  bool killed = false;                    ///< on its own host

  bool carries(const std::string& service) const;
};

/// What the fleet and the record know at one moment: for a thread that may ask neither.
struct Sight {
  std::shared_ptr<const Topology> topology;
  std::shared_ptr<const Traffic> traffic;
  std::shared_ptr<const std::vector<Carrier>> carriers;  ///< by name
};

/// Which units of a stage a flag switches, where they can be told one by one.
struct Named {
  std::vector<std::string> in;        ///< from now on
  std::vector<std::string> out;       ///< not any more
  std::vector<std::string> staysIn;   ///< as before
  std::vector<std::string> staysOut;  ///< as before
  std::vector<std::string> strange;   ///< named by include or exclude, and not in the record
  bool byRank = false;                ///< fewer than flags::kSmallPopulation: the share counts heads
};

/// What can be said of units that come and go.
struct Expected {
  double perSecond = 0;  ///< of all, as observed
  flags::Share before = 0;
  flags::Share after = 0;
};

/// Whom an edit of one flag concerns. Lists of names are sorted.
struct Reach {
  features::Unit unit = features::Unit::None;  ///< of the higher one of the two stages
  std::string stage;                           ///< that one
  std::optional<Named> named;
  std::optional<Expected> expected;
  std::vector<EdgeTraffic> calls;  ///< to the service; those with most connections first
  std::size_t callers = 0;         ///< different ones
  double edgeShare = 0;            ///< of all edges of the mesh, 0 to 1
  std::int64_t seconds = 0;        ///< that the counts are of
  std::vector<std::string> carriers;
  std::vector<std::string> lacking;  ///< of those: they do not know the stage, and leave the feature off
  std::vector<std::string> silent;   ///< of those: not heard of lately
};

/// Pure.
Reach reachOf(const flags::Flag& before, const flags::Flag& after, const Sight& sight);

}  // namespace loam::fleet
