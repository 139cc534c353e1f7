#pragma once

#include <Poco/Data/Session.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rollout/audit/commit_plan.h"
#include "rollout/audit/ledger.h"

namespace loam::db {

/// The SQL of a ledger: what SQLite and PostgreSQL both understand, parameters as $1, $2, ... in the order in which
/// they appear. All throw POCO's exceptions; the caller brings the transaction.

audit::Head readHead(Poco::Data::Session& session);
void writeHead(Poco::Data::Session& session, const audit::Head& head);

/// By kind and key. A row that is not what was written is thrown as Poco::DataFormatException.
std::vector<audit::Document> readDocuments(Poco::Data::Session& session);
std::optional<audit::Document> readDocument(Poco::Data::Session& session, const std::string& kind,
                                            const std::string& key);
void writeDocument(Poco::Data::Session& session, const audit::Document& document);
void removeDocument(Poco::Data::Session& session, const std::string& kind, const std::string& key);
/// The highest revision of any; 0 without documents.
std::uint64_t newestRevision(Poco::Data::Session& session);

/// Oldest first. A patch that is not canonical JSON comes as null, so that its event's hash does not fit.
std::vector<audit::Event> readEvents(Poco::Data::Session& session, const audit::EventQuery& query);
void appendEvent(Poco::Data::Session& session, const audit::Event& event);
/// The highest sequence of any; 0 without events.
std::uint64_t newestEvent(Poco::Data::Session& session);

}  // namespace loam::db
