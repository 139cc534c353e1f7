#pragma once

#include <json/value.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/result.h"
#include "rollout/audit/ledger.h"
#include "rollout/flags/share.h"

namespace loam::flags {

/// (service, feature): what a flag is of.
struct Cell {
  std::string service;
  std::string feature;

  auto operator<=>(const Cell&) const = default;
  bool operator==(const Cell&) const = default;
  /// "checkout/observe": the key of its document.
  std::string key() const { return service + "/" + feature; }
};

/// A stage that is to be reached, or left, at a time.
struct Appointment {
  std::int64_t at = 0;  ///< unix seconds
  std::string stage;
  Share share = kWhole;
  std::string by;  ///< who made it
  std::string reason;

  bool operator==(const Appointment&) const = default;
};

/// How far a feature is on for a service. A cell without a document is at the feature's initial stage, revision 0.
struct Flag {
  Cell cell;
  std::string stage = "off";
  Share share = kWhole;              ///< of the stage's unit; kWhole where the stage has none
  std::vector<std::string> include;  ///< units that are in whatever the percentage says; sorted
  std::vector<std::string> exclude;  ///< and those that are not; wins over include
  Json::Value settings = Json::Value(Json::objectValue);
  std::string salt;                     ///< of the buckets: saltOf() when the flag first leaves "off", and kept
  std::optional<std::int64_t> expires;  ///< unix seconds: back to "off" then
  std::optional<Appointment> scheduled;
  bool killed = false;  ///< off by kill: nothing but a person's change turns it on again
  std::string by;       ///< who changed it last
  std::string reason;
  std::int64_t at = 0;  ///< unix milliseconds
  std::uint64_t revision = 0;

  bool operator==(const Flag&) const = default;
  bool isOff() const { return stage == "off"; }
};

constexpr std::string_view kFlagKind = "flag";
/// The service of the flag that holds for all services without one of their own; only of features that begin "on".
constexpr std::string_view kEveryService = "*";
constexpr std::string_view kHashAlgorithm = "m3-100k-v1";

/// The salt of a flag's buckets: the same for the same cell, so that a preview names those whom applying it switches,
/// and a mesh that is set up anew switches the same ones.
std::string saltOf(const Cell& cell);

/// The body of its document, and back; the revision and the cell come from the document itself.
Json::Value toJson(const Flag& flag);
Result<Flag> fromDocument(const audit::Document& document);

}  // namespace loam::flags
