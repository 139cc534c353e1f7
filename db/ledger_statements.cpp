#include "db/ledger_statements.h"

#include <Poco/Data/Statement.h>
#include <Poco/Exception.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "proxy/base/json.h"
#include "rollout/audit/digest.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;
using Poco::Data::Session;
using Poco::Data::Statement;

template <class T>
using Column = std::vector<T>;

constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

std::int64_t bounded(std::uint64_t number) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, kEndOfTime));
}

std::string digestOf(const audit::Document& document) {
  Json::Value row(Json::objectValue);
  row["kind"] = document.kind;
  row["key"] = document.key;
  row["revision"] = Json::UInt64{document.revision};
  row["body"] = document.body;
  return audit::digestOf(row);
}

/// As they stand in the table.
struct DocumentRows {
  Column<std::string> kinds, keys, bodies, digests;
  Column<std::uint64_t> revisions;

  audit::Document at(std::size_t i) const {
    const auto body = parseJson(bodies[i], audit::kMostBodyDepth);
    audit::Document document{kinds[i], keys[i], revisions[i], body.value_or(Json::Value())};
    if (!body || digestOf(document) != digests[i])
      throw Poco::DataFormatException("document " + kinds[i] + " " + keys[i] +
                                      " is not what was written: the file is damaged; restore a backup");
    return document;
  }
};

/// What stands in a column of numbers, which SQLite lets be anything; -1 when it is none, which no hash fits.
std::int64_t numberOf(const std::string& text) {
  std::int64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, number);
  return failed == std::errc() && end == last && text == std::to_string(number) ? number : -1;
}

struct EventRows {
  Column<std::string> sequences, fromRevisions, toRevisions, times;
  Column<std::string> who, via, from, verbs, reasons, tickets, correlations, kinds, keys, patches, previous, hashes;

  audit::Event at(std::size_t i) const {
    audit::Event event;
    event.sequence = static_cast<std::uint64_t>(numberOf(sequences[i]));
    event.at = numberOf(times[i]);
    event.act = {who[i], via[i], from[i], verbs[i], reasons[i], tickets[i], correlations[i]};
    event.kind = kinds[i];
    event.key = keys[i];
    event.fromRevision = static_cast<std::uint64_t>(numberOf(fromRevisions[i]));
    event.toRevision = static_cast<std::uint64_t>(numberOf(toRevisions[i]));
    auto patch = parseJson(patches[i], audit::kMostPatchDepth);
    if (patch && writeJson(*patch) == patches[i]) event.patch = *std::move(patch);
    event.previous = previous[i];
    event.hash = hashes[i];
    return event;
  }
};

}  // namespace

audit::Head readHead(Session& session) {
  audit::Head head;
  Statement select(session);
  select << "SELECT revision, sequence, hash FROM heads WHERE name = 'ledger'", into(head.revision),
      into(head.sequence), into(head.hash);
  if (select.execute() != 1) throw Poco::DataFormatException("the ledger has no head; restore a backup");
  return head;
}

void writeHead(Session& session, const audit::Head& head) {
  audit::Head to = head;
  session << "UPDATE heads SET revision = $1, sequence = $2, hash = $3 WHERE name = 'ledger'", use(to.revision),
      use(to.sequence), use(to.hash), now;
}

std::vector<audit::Document> readDocuments(Session& session) {
  DocumentRows rows;
  session << "SELECT kind, key, revision, body, digest FROM documents ORDER BY kind, key", into(rows.kinds),
      into(rows.keys), into(rows.revisions), into(rows.bodies), into(rows.digests), now;
  std::vector<audit::Document> out;
  for (std::size_t i = 0; i < rows.keys.size(); ++i) out.push_back(rows.at(i));
  return out;
}

std::optional<audit::Document> readDocument(Session& session, const std::string& kind, const std::string& key) {
  DocumentRows rows;
  std::string ofKind = kind;
  std::string ofKey = key;
  session << "SELECT kind, key, revision, body, digest FROM documents WHERE kind = $1 AND key = $2", into(rows.kinds),
      into(rows.keys), into(rows.revisions), into(rows.bodies), into(rows.digests), use(ofKind), use(ofKey), now;
  if (rows.keys.empty()) return std::nullopt;
  return rows.at(0);
}

void writeDocument(Session& session, const audit::Document& document) {
  audit::Document to = document;
  std::string body = writeJson(document.body);
  std::string digest = digestOf(document);
  session << "INSERT INTO documents (kind, key, revision, body, digest) VALUES ($1, $2, $3, $4, $5) "
             "ON CONFLICT (kind, key) DO UPDATE SET revision = excluded.revision, body = excluded.body, "
             "digest = excluded.digest",
      use(to.kind), use(to.key), use(to.revision), use(body), use(digest), now;
}

void removeDocument(Session& session, const std::string& kind, const std::string& key) {
  std::string ofKind = kind;
  std::string ofKey = key;
  session << "DELETE FROM documents WHERE kind = $1 AND key = $2", use(ofKind), use(ofKey), now;
}

std::uint64_t newestRevision(Session& session) {
  std::uint64_t revision = 0;
  session << "SELECT coalesce(max(revision), 0) FROM documents", into(revision), now;
  return revision;
}

std::vector<audit::Event> readEvents(Session& session, const audit::EventQuery& query) {
  EventRows rows;
  audit::EventQuery wanted = query;
  std::int64_t after = bounded(query.after);
  std::int64_t end = query.to == 0 ? kEndOfTime : query.to;
  std::int64_t most = bounded(query.most);
  Statement select(session);
  select << "SELECT CAST(sequence AS TEXT), CAST(at AS TEXT), who, via, from_address, verb, reason, ticket, "
            "correlation, kind, key, CAST(from_revision AS TEXT), CAST(to_revision AS TEXT), patch, previous, hash "
            "FROM events "
            "WHERE sequence > $1 AND at >= $2 AND at < $3",
      into(rows.sequences), into(rows.times), into(rows.who), into(rows.via), into(rows.from), into(rows.verbs),
      into(rows.reasons), into(rows.tickets), into(rows.correlations), into(rows.kinds), into(rows.keys),
      into(rows.fromRevisions), into(rows.toRevisions), into(rows.patches), into(rows.previous), into(rows.hashes),
      use(after), use(wanted.from), use(end);
  // Only what is asked for is named, so that an index can answer.
  int next = 4;
  if (!wanted.kind.empty()) select << " AND kind = $" << next++, use(wanted.kind);
  if (!wanted.key.empty()) select << " AND key = $" << next++, use(wanted.key);
  if (!wanted.who.empty()) select << " AND who = $" << next++, use(wanted.who);
  select << " ORDER BY sequence LIMIT $" << next, use(most);
  select.execute();
  std::vector<audit::Event> out;
  for (std::size_t i = 0; i < rows.sequences.size(); ++i) out.push_back(rows.at(i));
  return out;
}

void appendEvent(Session& session, const audit::Event& event) {
  audit::Event to = event;
  std::string patch = writeJson(event.patch);
  session << "INSERT INTO events (sequence, at, who, via, from_address, verb, reason, ticket, correlation, kind, key, "
             "from_revision, to_revision, patch, previous, hash) "
             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
      use(to.sequence), use(to.at), use(to.act.who), use(to.act.via), use(to.act.from), use(to.act.verb),
      use(to.act.reason), use(to.act.ticket), use(to.act.correlation), use(to.kind), use(to.key), use(to.fromRevision),
      use(to.toRevision), use(patch), use(to.previous), use(to.hash), now;
}

std::uint64_t newestEvent(Session& session) {
  std::uint64_t sequence = 0;
  session << "SELECT coalesce(max(sequence), 0) FROM events", into(sequence), now;
  return sequence;
}

}  // namespace loam::db
