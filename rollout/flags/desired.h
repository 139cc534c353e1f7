#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rollout/audit/ledger.h"
#include "rollout/flags/descent.h"
#include "rollout/flags/flag.h"

namespace loam::flags {

/// What people say of a service, beside its flags.
struct ServiceSettings {
  std::string name;
  std::string owner;
  std::string tier;
  std::vector<std::string> tags;  ///< sorted
  bool captured = true;           ///< false: connections to it go past the proxies
  std::uint64_t revision = 0;

  bool operator==(const ServiceSettings&) const = default;
};

/// A time in which nothing rises: for all, one service or one feature. What makes things safer is always allowed.
struct Freeze {
  std::string id;
  std::string service;                ///< empty: all
  std::string feature;                ///< empty: all
  std::optional<std::int64_t> until;  ///< unix seconds; nothing: until it is lifted
  std::string reason;
  std::string by;
  std::uint64_t revision = 0;

  bool operator==(const Freeze&) const = default;
  bool covers(const Cell& cell, std::int64_t now) const;
};

/// A proxy that is to be out of the way of new connections, until somebody resumes it. It says of one program what is
/// to be, not of the mesh: it is no part of an export.
struct Drain {
  std::string proxy;
  std::string reason;
  std::string by;
  std::int64_t at = 0;  ///< unix milliseconds
  std::uint64_t revision = 0;

  bool operator==(const Drain&) const = default;
};

constexpr std::string_view kServiceKind = "service";
constexpr std::string_view kFreezeKind = "freeze";
constexpr std::string_view kDrainKind = "drain";

Json::Value toJson(const ServiceSettings& settings);
Json::Value toJson(const Freeze& freeze);
Json::Value toJson(const Drain& drain);

/// What is wanted, as it stands at one revision: flags, services' settings, freezes, drains; and which flags are on
/// their way down. A value: readers share one that is never changed.
struct Desired {
  std::uint64_t revision = 0;
  std::map<Cell, Flag> flags;
  std::map<std::string, ServiceSettings> services;
  std::map<std::string, Freeze> freezes;
  std::map<std::string, Drain> drains;  ///< by proxy
  std::map<Cell, Descent> descents;

  /// Takes a document of one of its kinds (another kind is ignored), or the news that it is gone. One that says what
  /// is known already keeps its revision, as it does in the ledger.
  Status put(const audit::Document& document);
  void remove(std::string_view kind, const std::string& key);

  /// The cell's flag; where nobody touched it, the one of every service, else the feature's initial stage; both at
  /// revision 0.
  Flag flag(const Cell& cell) const;
  ServiceSettings service(const std::string& name) const;
  /// The freeze that keeps the cell from rising now.
  const Freeze* frozen(const Cell& cell, std::int64_t now) const;
};

}  // namespace loam::flags
