#include "db/roll_up.h"

#include <Poco/Data/Statement.h>

#include "db/verdict_rows.h"
#include "shadow/record/window_plan.h"

namespace loam::db {

namespace {

using namespace Poco::Data::Keywords;
using record::alignDown;

void moveHorizon(Poco::Data::Session& session, std::int64_t seconds, std::int64_t to) {
  session << "UPDATE horizons SET t = max(t, ?) WHERE res = ?", use(to), use(seconds), now;
}

}  // namespace

void rollUp(Poco::Data::Session& session, std::int64_t at, const record::Limits& limits) {
  moveHorizon(session, wire::kBucketSeconds, alignDown(at - limits.keepTens, 60));
  moveHorizon(session, 60, alignDown(at - limits.keepMinutes, 300));
  moveHorizon(session, 300, alignDown(at - limits.keepFives, 3600));
  moveHorizon(session, 3600, alignDown(at - limits.keepHours, 86'400));
  moveHorizon(session, 86'400, alignDown(at - limits.keepDays, 86'400));

  int movable = 0;
  session << "SELECT EXISTS (SELECT 1 FROM movable)", into(movable), now;
  if (movable != 0) {
    for (std::int64_t seconds : record::kLevelSeconds) {
      session << "INSERT INTO buckets (res, t, flow_id, counts, routes) "
                 "SELECT ?, t / ? * ?, flow_id, sum_counts(counts), sum_routes(routes) FROM movable WHERE true GROUP "
                 "BY 2, 3 "
                 "ON CONFLICT (res, t, flow_id) DO UPDATE SET counts = add_counts(counts, excluded.counts), "
                 "routes = add_routes(routes, excluded.routes)",
          use(seconds), use(seconds), use(seconds), now;
    }
    session << "DELETE FROM tens WHERE (t, flow_id) IN (SELECT t, flow_id FROM movable)", now;
  }
  for (std::int64_t seconds : record::kLevelSeconds) {
    session << "DELETE FROM buckets WHERE res = ? AND t < (SELECT t FROM horizons WHERE res = ?)", use(seconds),
        use(seconds), now;
  }
  rollUpVerdicts(session);
  session << "DELETE FROM coverage WHERE to_ms < (SELECT t FROM horizons WHERE res = 86400) * 1000", now;
}

}  // namespace loam::db
