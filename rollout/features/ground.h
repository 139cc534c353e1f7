#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace loam::features {

/// One caller of a service, as far as the record knows it. Times in unix seconds.
struct CallerRecord {
  std::string name;
  std::uint64_t connections = 0;
  std::uint64_t mutual = 0;  ///< of those: TLS between two proxies that proved who they are
  std::uint64_t local = 0;   ///< of those: never left their host
  std::optional<std::int64_t> lastPlaintext{};
  std::int64_t firstSeen = 0;
  std::int64_t lastSeen = 0;
  std::int64_t gap = 0;  ///< seconds: some gap between its calls was at least so long
  std::string reason{};  ///< why it was plaintext, in a word; empty: nobody asked

  bool operator==(const CallerRecord&) const = default;
};

/// One address of a service, and what its own proxies still owe.
struct InstanceRecord {
  std::string address;
  std::vector<std::string> against{};  ///< "it has no proxy", "web-1 is silent"; empty: all have what is wanted

  bool operator==(const InstanceRecord&) const = default;
};

/// What the record and the fleet say of one service when a flag of it is to rise.
struct Ground {
  std::int64_t now = 0;    ///< unix seconds
  std::int64_t since = 0;  ///< the record knows of nothing before; 0: it knows nothing
  std::vector<CallerRecord> callers;
  std::vector<InstanceRecord> instances;
  std::vector<std::string> missing;  ///< what the record is known not to have, in words
};

}  // namespace loam::features
