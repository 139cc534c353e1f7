#include "db/ledger_check.h"

#include "db/ledger_statements.h"
#include "rollout/audit/chain.h"

namespace loam::db {

namespace {

using Poco::Data::Session;

constexpr std::size_t kPage = 1000;

auto tampered(const Database& database, const std::string& what) {
  return fail(ErrorCode::Conflict, database.path().string() + ": " + what);
}

}  // namespace

Result<audit::Ledger::Verified> verifyEvents(Database& database) {
  audit::Head head;
  LOAM_TRY(database.attempt("reading the head", [&head](Session& session) { head = readHead(session); }));
  audit::Chain chain;
  while (chain.sequence() < head.sequence) {
    std::vector<audit::Event> page;
    LOAM_TRY(database.attempt("reading events", [&](Session& session) {
      page = readEvents(session, {.after = chain.sequence(), .most = kPage, .from = INT64_MIN});
    }));
    if (page.empty())
      return tampered(database, "the audit log ends at event " + std::to_string(chain.sequence()) + ", but " +
                                    std::to_string(head.sequence) + " were written");
    for (const audit::Event& event : page) {
      if (chain.sequence() == head.sequence) break;  // written since
      if (const Status followed = chain.follow(event); !followed) return tampered(database, followed.error().context);
    }
  }
  if (chain.hash() != head.hash)
    return tampered(database, "the audit log does not end with the event that was written last");
  return audit::Ledger::Verified{chain.sequence(), chain.hash()};
}

Status checkHead(Database& database) {
  audit::Head head;
  std::uint64_t revision = 0;
  std::uint64_t sequence = 0;
  LOAM_TRY(database.attempt("checking", [&](Session& session) {
    head = readHead(session);
    revision = newestRevision(session);
    sequence = newestEvent(session);
  }));
  if (head.revision >= revision && head.sequence == sequence) return {};
  return fail(ErrorCode::Io, database.path().string() + " is damaged: it stands at revision " +
                                 std::to_string(head.revision) + " and event " + std::to_string(head.sequence) +
                                 ", but holds revision " + std::to_string(revision) + " and event " +
                                 std::to_string(sequence) + "; restore a backup or move it away to begin a new one");
}

}  // namespace loam::db
