#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/fields.h"
#include "proxy/base/result.h"

namespace loam::wire {

/// A certificate, or all of one name, that is believed no more although it has not expired (D12).
struct Denied {
  enum class Of : std::uint8_t { Serial, Name };
  Of of = Of::Serial;
  std::string value{};     ///< lower-case hex, or a SPIFFE id
  std::int64_t until = 0;  ///< unix seconds: from then on nothing that it is about is valid

  bool operator==(const Denied&) const = default;
};

/// Whom the programs of the mesh believe, as every proxy is told it: a part of its snapshot. A proxy acknowledges
/// `step` (Watch::trust) when it believes these roots and holds a leaf of `issuing`; the change of roots goes on when
/// all have.
struct Trust {
  std::uint64_t step = 0;
  std::string issuing{};             ///< SHA-256 of the root whose leaves are handed out, lower-case hex
  std::vector<std::string> roots{};  ///< one PEM each
  std::vector<Denied> denied{};      ///< in the order of the deny-list

  bool operator==(const Trust&) const = default;
};

constexpr std::size_t kMostRoots = 8;
constexpr std::size_t kMostDenied = 100'000;

/// Canonical JSON, as a part of a snapshot and of an enrolment.
Json::Value toJson(const Trust& trust);
std::string encode(const Trust& trust);
/// Reads the member `name`, strictly; nothing where it is absent or wrong, which is noted.
std::optional<Trust> takeTrust(Fields& fields, std::string_view name);

}  // namespace loam::wire
