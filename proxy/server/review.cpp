#include "proxy/server/review.h"

namespace loam::server {

namespace {

/// The first that would deny it now, and wants it closed.
std::optional<filter::Notice> noticeOf(const Service& service, const filter::ConnectionView& view) {
  for (const auto& filter : service.admission) {
    if (auto notice = filter->notice(view)) return notice;
  }
  return std::nullopt;
}

}  // namespace

void review(LiveConnections& live, const ServiceTable& before, const ServiceTable& now, Monotonic at,
            const ViewOf& viewOf) {
  if (before.rules() == now.rules()) return;
  live.visitAdmitted([&](LiveConnection& connection) {
    const SocketAddress& destination = connection.facts().destination;
    const Service* const was = before.find(destination);
    const Service* const is = now.find(destination);
    const bool same = (was == nullptr ? std::string() : was->rules) == (is == nullptr ? std::string() : is->rules);
    if (same) return;
    if (is == nullptr) return connection.stay();
    const std::string identity = connection.peer();
    const filter::ConnectionView view = viewOf(connection, *is, identity);
    for (const auto& filter : is->admission) filter->adopt(view, connection.holds());
    if (auto notice = noticeOf(*is, view)) {
      connection.leave(std::move(*notice), at);
    } else {
      connection.stay();
    }
  });
}

void closeDue(LiveConnections& live, Monotonic at,
              const std::function<void(const LiveConnection&, const filter::Denial&)>& closed) {
  if (live.leaving() == 0) return;
  live.visitAdmitted([&](LiveConnection& connection) {
    if (!connection.isDue(at)) return;
    closed(connection, connection.reason());
    connection.close();
  });
}

}  // namespace loam::server
