#pragma once

#include <functional>

#include "proxy/server/live_connections.h"
#include "proxy/server/service_table.h"

namespace loam::server {

/// What filters are shown of a live connection whose caller's proxy proved `identity`.
using ViewOf = std::function<filter::ConnectionView(const LiveConnection&, const Service&, std::string_view identity)>;

/// Judges live connections again that the callee's side admitted, and whose service has other rules under `now` than
/// under `before`: which of them are to be closed, and when. Whom the rules admit again stays, and so does everybody
/// where they close nobody. What caps begin to count is counted. The worker's thread.
void review(LiveConnections& live, const ServiceTable& before, const ServiceTable& now, Monotonic at,
            const ViewOf& viewOf);

/// Resets those whose time is over; tells each to `closed`, with what no longer admits it.
void closeDue(LiveConnections& live, Monotonic at,
              const std::function<void(const LiveConnection&, const filter::Denial&)>& closed);

}  // namespace loam::server
