#include "db/interval_log.h"

#include <Poco/Data/Statement.h>

#include <algorithm>

namespace loam::db {

namespace {
using namespace Poco::Data::Keywords;
}

bool countSequence(Poco::Data::Session& session, std::int64_t proxy, std::int64_t epoch, std::int64_t sequence) {
  // The intervals that hold the number or touch it: at most two.
  std::vector<std::int64_t> lows;
  std::vector<std::int64_t> highs;
  std::int64_t below = sequence - 1;
  std::int64_t above = sequence + 1;
  session << "SELECT low, high FROM sequences WHERE proxy_id = ? AND epoch = ? AND low <= ? AND high >= ?", into(lows),
      into(highs), use(proxy), use(epoch), use(above), use(below), now;
  std::int64_t low = sequence;
  std::int64_t high = sequence;
  for (std::size_t i = 0; i < lows.size(); ++i) {
    if (lows[i] <= sequence && sequence <= highs[i]) return false;
    low = std::min(low, lows[i]);
    high = std::max(high, highs[i]);
  }
  if (!lows.empty()) {
    session << "DELETE FROM sequences WHERE proxy_id = ? AND epoch = ? AND low >= ? AND high <= ?", use(proxy),
        use(epoch), use(low), use(high), now;
  }
  session << "INSERT INTO sequences (proxy_id, epoch, low, high) VALUES (?, ?, ?, ?)", use(proxy), use(epoch), use(low),
      use(high), now;
  return true;
}

void addCoverage(Poco::Data::Session& session, std::int64_t proxy, std::int64_t from, std::int64_t to) {
  if (to <= from) return;
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> ends;
  session << "SELECT from_ms, to_ms FROM coverage WHERE proxy_id = ? AND from_ms <= ? AND to_ms >= ?", into(starts),
      into(ends), use(proxy), use(to), use(from), now;
  for (const std::int64_t start : starts) from = std::min(from, start);
  for (const std::int64_t end : ends) to = std::max(to, end);
  if (!starts.empty()) {
    session << "DELETE FROM coverage WHERE proxy_id = ? AND from_ms >= ? AND to_ms <= ?", use(proxy), use(from),
        use(to), now;
  }
  session << "INSERT INTO coverage (proxy_id, from_ms, to_ms) VALUES (?, ?, ?)", use(proxy), use(from), use(to), now;
}

}  // namespace loam::db
