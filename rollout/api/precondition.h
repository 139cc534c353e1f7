#pragma once

#include <json/value.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/result.h"
#include "proxy/http/message.h"
#include "rollout/audit/ledger.h"

namespace loam::api {

/// Under which revision somebody changes something: the If-Match of a request (RFC 9110), which every change of one
/// thing needs.
struct Precondition {
  bool any = false;                      ///< "*": whatever it is
  std::vector<std::uint64_t> revisions;  ///< any of these
  bool merges = false;                   ///< Prefer: merge

  bool admits(std::uint64_t current) const;
  /// What the one who asks has seen, as far as he says.
  std::uint64_t seen() const { return revisions.empty() ? 0 : revisions.front(); }
};

/// 428 without one, 400 for what is no list of entity tags. A weak tag matches nothing.
tl::expected<Precondition, http::Response> preconditionOf(const http::Request& request);

/// "\"12\"".
std::string etagOf(std::uint64_t revision);
/// 200 with its ETag.
http::Response at(std::uint64_t revision, const Json::Value& value);

/// What the audit log says of a document.
struct Past {
  std::optional<audit::Event> last;  ///< that changed it
  std::optional<Json::Value> body;   ///< as it was at the revision that was asked for; null: there was none then
};
/// `body` is taken back from `current` (null: there is none), and absent when the log does not lead there.
Result<Past> pastOf(const audit::Ledger& ledger, std::string_view kind, const std::string& key, Json::Value current,
                    std::uint64_t revision);

/// What differs, member by member: [{op, path, from, value}].
Json::Value fieldDiff(const Json::Value& before, const Json::Value& after);
/// Whether a merge patch (RFC 7396) touches nothing that the difference has: stage and percent are one.
bool isDisjoint(const Json::Value& diff, const Json::Value& patch);
/// RFC 7396.
Json::Value mergePatch(Json::Value target, const Json::Value& patch);

}  // namespace loam::api
