#pragma once

#include <json/value.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"

namespace loam::identity {

constexpr std::string_view kJoinTokenPrefix = "loam-join-";
constexpr std::chrono::minutes kJoinTokenLife{10};
constexpr std::int64_t kMostRefusals = 10;

/// What is kept of a token that lets one host join once (D10): never the token itself, which is 256 random bits, so
/// that its plain hash gives nothing away.
struct JoinToken {
  std::string id;            ///< the first 16 digits of the hash: in lists and in the audit log
  std::string hash;          ///< SHA-256 of the whole token, lower-case hex
  std::string name;          ///< who may join with it: "node-a"
  std::int64_t issued = 0;   ///< unix seconds
  std::int64_t expires = 0;  ///< from then on it is worth nothing
  std::int64_t used = 0;     ///< when it was; 0: not yet
  std::int64_t refused = 0;  ///< tries with it that let nobody in; counted up to kMostRefusals

  bool operator==(const JoinToken&) const = default;
};

struct MintedToken {
  std::string secret;  ///< "loam-join-" and 43 letters: shown once, to be given by file or stdin
  JoinToken token;
};

/// Io when the kernel gives no random bytes.
Result<MintedToken> mintJoinToken(const std::string& name, Wall now, seconds life = kJoinTokenLife);
/// Under which id a presented token would be kept.
std::string joinTokenId(std::string_view presented);

enum class JoinVerdict : std::uint8_t { Good, Unknown, Used, Expired, OtherName };
/// "used", ...: for the audit log and counters. A client that is refused hears no more than that it is.
std::string_view name(JoinVerdict verdict);

/// Whether `name` may join at `now` with what was presented; `kept` is what is kept under its id, null for nothing.
/// Pure: marking it as used, exactly once, is the ledger's. The secret is compared in constant time.
JoinVerdict check(const JoinToken* kept, std::string_view presented, std::string_view name, Wall now);

constexpr std::string_view kJoinTokenKind = "join_token";
Json::Value toJson(const JoinToken& token);
Result<JoinToken> joinTokenFromJson(const Json::Value& body);

}  // namespace loam::identity
