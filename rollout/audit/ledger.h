#pragma once

#include <json/value.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proxy/base/result.h"
#include "rollout/audit/event.h"

namespace loam::audit {

/// One thing that the controller knows for good: a flag, a change, a join token, a user. `kind` and `key` name it, the
/// body is its owner's to read and write. Nothing in a body is a secret: tokens and passwords are hashed by their owner
/// before they come here, private keys stay in files of their own. So patches, exports and backups need no redaction.
struct Document {
  std::string kind;            ///< "flag", "change", "join_token", ...
  std::string key;             ///< unique in its kind: "checkout/observe"
  std::uint64_t revision = 0;  ///< of the commit that wrote it last
  Json::Value body;

  bool operator==(const Document&) const = default;
};

/// What one commit does to one document.
struct Edit {
  std::string kind;
  std::string key;
  /// The revision that the document has to have: 0 means that there must be none; nothing: whatever it is.
  std::optional<std::uint64_t> expected;
  /// Its new body; nothing deletes it.
  std::optional<Json::Value> body;
};

/// A commit that found another revision than it expected.
struct Stale {
  std::string kind;
  std::string key;
  std::uint64_t expected = 0;
  std::uint64_t current = 0;  ///< 0: there is none
};

struct Commit {
  std::uint64_t revision = 0;  ///< greater than that of every earlier commit; the last one's where nothing was written
  std::vector<Stale> stale;    ///< not empty: nothing was written
};

struct EventQuery {
  std::uint64_t after = 0;  ///< events with a greater sequence
  std::size_t most = 100;
  std::string kind{};     ///< empty: all
  std::string key{};      ///< of that kind; empty: all
  std::string who{};      ///< empty: everybody
  std::int64_t from = 0;  ///< unix milliseconds, inclusive
  std::int64_t to = 0;    ///< exclusive; 0: no end
};

/// What the controller knows for good, and the audit log of how it came to that: one transaction holds both.
/// Implemented in `db`. Any thread; commits go one after the other, reads beside them.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Everything, by kind and key: for the start.
  virtual Result<std::vector<Document>> documents() const = 0;

  /// All edits or none; what it returned is on the disk. One audit event for each edit that changes something; without
  /// `act` none, which is for what changes by itself (a proxy's last contact), never for what somebody did. An edit
  /// that changes nothing gets no new revision. Errors leave everything as it was: InvalidArgument for edits that break
  /// a rule (see checkEdits), Exhausted for a full disk, Timeout when another program holds the store. After any other
  /// the outcome is unknown: the ledger reads itself anew before the next commit, and so has the caller to.
  virtual Result<Commit> commit(std::span<const Edit> edits, const std::optional<Act>& act) = 0;

  /// Oldest first. A patch that is no longer what was written comes as null; verify() says more.
  virtual Result<std::vector<Event>> events(const EventQuery& query) const = 0;

  /// The sequence of the last event; 0: there is none yet.
  virtual Result<std::uint64_t> newest() const = 0;

  /// Walks the whole chain; Conflict names the first event that does not follow from the one before it. Returns how
  /// many events there are and the last hash.
  struct Verified {
    std::uint64_t events = 0;
    std::string last;
  };
  virtual Result<Verified> verify() const = 0;

  /// A consistent copy into a file that does not exist yet (Conflict), while commits go on. The file has its name when
  /// it is whole and on the disk, not before.
  virtual Status backup(const std::filesystem::path& file) const = 0;
};

}  // namespace loam::audit
