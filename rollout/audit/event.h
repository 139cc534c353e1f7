#pragma once

#include <json/value.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam::audit {

/// Who does something, and why.
struct Act {
  std::string who;          ///< "ada", "uid:1000", "controller"
  std::string via;          ///< how that was proven: "socket", "token:ID", "certificate", "itself"
  std::string from;         ///< the client's address; empty for a Unix socket
  std::string verb;         ///< "flag.set", "kill", "token.revoke", ...
  std::string reason;       ///< in the person's words
  std::string ticket;       ///< optional
  std::string correlation;  ///< the same for all events of one request; empty: none

  bool operator==(const Act&) const = default;
};

/// `previous` of the first event.
inline constexpr std::string_view kNoHash = "0000000000000000000000000000000000000000000000000000000000000000";

/// One line of the audit log. The hash covers all other members and the hash of the event before: SHA-256 of the
/// canonical JSON (writeJson) of them, in lower-case hex.
struct Event {
  std::uint64_t sequence = 0;  ///< 1, 2, 3, ... without a gap
  std::int64_t at = 0;         ///< unix milliseconds
  Act act;
  std::string kind;
  std::string key;
  std::uint64_t fromRevision = 0;  ///< 0: there was none
  std::uint64_t toRevision = 0;    ///< 0: deleted
  Json::Value patch;  ///< RFC 6902: leads from the document before (null: none) to the one after, with `test` of what
                      ///< it replaces
  std::string previous;  ///< hash of event sequence-1; 64 zeros for the first
  std::string hash;

  bool operator==(const Event&) const = default;
};

/// What `hash` has to be.
std::string hashOf(const Event& event);

/// {"who": ..., "via": ..., ...}: every member, empty ones too.
Json::Value toJson(const Act& act);
Result<Act> actFromJson(const Json::Value& value);
/// {"sequence": ..., "at": ..., "act": {...}, ..., "hash": ...}.
Json::Value toJson(const Event& event);
Result<Event> eventFromJson(const Json::Value& value);

/// One line of JSON, and the columns of CSV; text is safe for a spreadsheet and a terminal (E11). The JSON reads back
/// as the same event; CSV, without line ends as the other two, is for people.
std::string toJsonLine(const Event& event);
std::string csvHeader();
std::string toCsvLine(const Event& event);

}  // namespace loam::audit
