#include "db/verdict_rows.h"

#include <Poco/Data/Statement.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;
using Poco::Data::Session;

constexpr std::array<std::int64_t, 5> kLevels{wire::kBucketSeconds, 60, 300, 3600, 86'400};

/// The identifying part of a verdict as its columns have it.
struct Row {
  std::string scope, client, server, identity, feature, rule;
  int port = 0;
  int enforced = 0;
};

Row rowOf(const wire::Verdict& verdict, const std::string& proxy) {
  return {.scope = graph::scopeOf(verdict.client, verdict.destination.ip, proxy),
          .client = verdict.client.text(),
          .server = verdict.destination.ip.text(),
          .identity = verdict.identity,
          .feature = verdict.feature,
          .rule = verdict.rule,
          .port = verdict.destination.port,
          .enforced = verdict.enforced ? 1 : 0};
}

std::optional<std::int64_t> find(Session& session, Row& row) {
  std::vector<std::int64_t> ids;
  session << "SELECT id FROM verdicts WHERE scope = ? AND client = ? AND server = ? AND port = ? AND identity = ? AND "
             "feature = ? AND rule = ? AND enforced = ?",
      into(ids), use(row.scope), use(row.client), use(row.server), use(row.port), use(row.identity), use(row.feature),
      use(row.rule), use(row.enforced), now;
  return ids.empty() ? std::nullopt : std::optional(ids.front());
}

std::int64_t insert(Session& session, Row& row) {
  session << "INSERT INTO verdicts (scope, client, server, port, identity, feature, rule, enforced) VALUES (?, ?, ?, "
             "?, ?, ?, ?, ?)",
      use(row.scope), use(row.client), use(row.server), use(row.port), use(row.identity), use(row.feature),
      use(row.rule), use(row.enforced), now;
  std::int64_t id = 0;
  session << "SELECT last_insert_rowid()", into(id), now;
  return id;
}

void widen(Row& row) {
  const std::string nowhere = IpAddress().text();
  row.scope.clear();
  row.client = nowhere;
  row.server = nowhere;
  row.identity.clear();
  row.rule = "other";
  row.port = 0;
}

void noteLast(Session& session, std::int64_t id, const wire::Verdict& verdict, std::string proxy) {
  std::uint64_t generation = verdict.generation;
  std::int64_t start = verdict.start;
  session << "UPDATE verdicts SET proxy = ?, generation = ?, last = ? WHERE id = ? AND last <= ?", use(proxy),
      use(generation), use(start), use(id), use(start), now;
}

}  // namespace

std::uint64_t writeVerdicts(Session& session, const wire::Report& report, std::size_t most) {
  std::uint64_t folded = 0;
  for (const wire::Verdict& verdict : report.verdicts) {
    Row row = rowOf(verdict, report.proxy);
    auto id = find(session, row);
    if (!id) {
      std::uint64_t kept = 0;
      session << "SELECT count(*) FROM verdicts", into(kept), now;
      if (kept >= most) {
        ++folded;
        widen(row);
        id = find(session, row);
      }
    }
    if (!id) id = insert(session, row);
    noteLast(session, *id, verdict, report.proxy);
    std::int64_t level = wire::kBucketSeconds;
    std::int64_t start = verdict.start;
    std::uint64_t count = verdict.count;
    session << "INSERT INTO verdict_counts (res, t, verdict_id, count) VALUES (?, ?, ?, ?) "
               "ON CONFLICT (res, t, verdict_id) DO UPDATE SET count = count + excluded.count",
        use(level), use(start), use(*id), use(count), now;
  }
  return folded;
}

void rollUpVerdicts(Session& session) {
  for (std::size_t i = 0; i + 1 < kLevels.size(); ++i) {
    std::int64_t fine = kLevels[i];
    std::int64_t coarse = kLevels[i + 1];
    session << "INSERT INTO verdict_counts (res, t, verdict_id, count) "
               "SELECT ?, t / ? * ?, verdict_id, sum(count) FROM verdict_counts "
               "WHERE res = ? AND t < (SELECT t FROM horizons WHERE res = ?) GROUP BY 2, 3 "
               "ON CONFLICT (res, t, verdict_id) DO UPDATE SET count = count + excluded.count",
        use(coarse), use(coarse), use(coarse), use(fine), use(fine), now;
    session << "DELETE FROM verdict_counts WHERE res = ? AND t < (SELECT t FROM horizons WHERE res = ?)", use(fine),
        use(fine), now;
  }
  std::int64_t last = kLevels.back();
  Poco::Data::Statement forget(session);
  forget << "DELETE FROM verdict_counts WHERE res = ? AND t < (SELECT t FROM horizons WHERE res = ?)", use(last),
      use(last);
  if (forget.execute() == 0) return;
  session << "DELETE FROM verdicts WHERE id NOT IN (SELECT verdict_id FROM verdict_counts)", now;
}

std::vector<record::VerdictSum> readVerdicts(Session& session, graph::Window window) {
  std::map<std::int64_t, record::VerdictSum> sums;
  for (std::int64_t level : kLevels) {
    std::vector<std::int64_t> ids, firsts, lasts;
    std::vector<std::uint64_t> counts;
    std::int64_t after = window.from - level;
    std::int64_t before = window.to;
    session << "SELECT verdict_id, sum(count), min(t), max(t) FROM verdict_counts WHERE res = ? AND t > ? AND t < ? "
               "GROUP BY verdict_id",
        into(ids), into(counts), into(firsts), into(lasts), use(level), use(after), use(before), now;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      record::VerdictSum& sum = sums[ids[i]];
      sum.from = sum.count == 0 ? firsts[i] : std::min(sum.from, firsts[i]);
      sum.to = std::max(sum.to, lasts[i] + level);
      sum.count += counts[i];
    }
  }
  std::vector<std::int64_t> ids;
  std::vector<std::string> scopes, clients, servers, identities, features, rules, proxies;
  std::vector<int> ports, enforced;
  std::vector<std::uint64_t> generations;
  std::vector<std::int64_t> lasts;
  session << "SELECT id, scope, client, server, port, identity, feature, rule, enforced, proxy, generation, last FROM "
             "verdicts",
      into(ids), into(scopes), into(clients), into(servers), into(ports), into(identities), into(features), into(rules),
      into(enforced), into(proxies), into(generations), into(lasts), now;
  std::vector<record::VerdictSum> out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto at = sums.find(ids[i]);
    const auto client = IpAddress::parse(clients[i]);
    const auto server = IpAddress::parse(servers[i]);
    if (at == sums.end() || !client || !server) continue;
    record::VerdictSum& sum = at->second;
    sum.scope = scopes[i];
    sum.client = *client;
    sum.destination = {*server, static_cast<std::uint16_t>(ports[i])};
    sum.identity = identities[i];
    sum.feature = features[i];
    sum.rule = rules[i];
    sum.enforced = enforced[i] != 0;
    sum.proxy = proxies[i];
    sum.generation = generations[i];
    sum.last = lasts[i];
    out.push_back(std::move(sum));
  }
  return out;
}

}  // namespace loam::db
