#pragma once

#include "db/database.h"
#include "rollout/audit/ledger.h"

namespace loam::db {

/// Walks the audit log of a ledger's file from its first event to the one that was the last when it began, a thousand
/// at a time, so that no reader holds the log of commits for long. Conflict names the file and the first event that
/// does not follow, or says that the end was cut off.
Result<audit::Ledger::Verified> verifyEvents(Database& database);

/// Whether what a ledger counts on is sound: its head is as far as its documents and its events are. Quick; for each
/// start.
Status checkHead(Database& database);

}  // namespace loam::db
