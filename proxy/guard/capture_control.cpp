#include "proxy/guard/capture_control.h"

#include <algorithm>

namespace loam::guard {

namespace {

constexpr milliseconds kReviewEvery{2000};
constexpr milliseconds kReportEvery{10000};
constexpr unsigned kMostBypassSeconds = 3600;
constexpr milliseconds kHandOver{3000};

std::string list(const std::vector<unsigned>& numbers) {
  std::string text;
  for (const unsigned number : numbers) text.append(text.empty() ? "" : ",").append(std::to_string(number));
  return text;
}

}  // namespace

CaptureControl::CaptureControl(Capture capture, ClosedFile closed, const Clock& clock, Log& log)
    : capture_(std::move(capture)),
      closure_(capture_, std::move(closed), log),
      clock_(clock),
      log_(log),
      outbound_(capture_.footprint().outboundPort),
      inbound_(capture_.footprint().inboundPort) {}

Result<CaptureTerms> CaptureControl::attach(AttachedProxy proxy, std::uint32_t uid) {
  if (successor_ || (proxy_ && !leaveBy_)) {
    return fail(ErrorCode::Conflict,
                "loam-proxy " + std::to_string((successor_ ? successor_ : proxy_)->pid()) +
                    " is attached to this guard: stop it, or let it release, before another starts");
  }
  const Footprint& footprint = capture_.footprint();
  const bool marks = mayMark(proxy.pid());
  if (!marks && (footprint.proxyUser == 0 || uid != footprint.proxyUser)) {
    return fail(ErrorCode::Denied,
                "this loam-proxy would be captured by its own rules: run it with CAP_NET_RAW, or as the user "
                "that loam-guard was told by --user");
  }
  // What the one that leaves still accepts from stays: a socket fewer would reset what waits in it.
  const unsigned least = proxy_ ? proxy_->workers() : 0;
  LOAM_TRY(outbound_.resize(std::max(least, proxy.workers())));
  LOAM_TRY(inbound_.resize(std::max(least, proxy.workers())));
  CaptureTerms terms{footprint.mark, footprint.transparentMark, marks, {}};
  if (!marks) terms.whyNotTransparent = "loam-proxy has no CAP_NET_RAW";
  if (!capture_.whyNotTransparent().empty()) {
    terms.transparent = false;
    terms.whyNotTransparent = capture_.whyNotTransparent();
  }
  log_.info("guard", "proxy attached",
            {{"pid", std::to_string(proxy.pid())}, {"workers", std::to_string(proxy.workers())}});
  (proxy_ ? successor_ : proxy_) = std::move(proxy);
  return terms;
}

Status CaptureControl::engage(int session) {
  if (successor_ && successor_->session() == session) succeed();
  if (!proxy_ || proxy_->session() != session) return fail(ErrorCode::Conflict, "attach before engaging");
  wanted_ = true;
  deadMan_.engage(clock_.now(), proxy_->heartbeats());
  watchHeartbeats(clock_.now());
  return {};
}

void CaptureControl::release(int session, bool handOver) {
  const bool attached = proxy_ && proxy_->session() == session;
  if (successor_ && successor_->session() == session) successor_.reset();
  if (attached && handOver && deadMan_.alive()) {
    leaveBy_ = clock_.now() + kHandOver;
    return;
  }
  departed_.emplace_back(session, Departure{});
  if (attached) detach("proxy released capture");
}

void CaptureControl::succeed() {
  departed_.emplace_back(proxy_->session(), Departure{.succeeded = true});
  log_.info("guard", "proxy succeeded another",
            {{"pid", std::to_string(successor_->pid())}, {"before", std::to_string(proxy_->pid())}});
  proxy_ = std::exchange(successor_, std::nullopt);
  leaveBy_.reset();
}

void CaptureControl::watchDeparture(Monotonic now) {
  if (!leaveBy_ || (now < *leaveBy_ && deadMan_.alive())) return;
  departed_.emplace_back(proxy_->session(), Departure{});
  detach("proxy released capture");
}

void CaptureControl::sessionEnded(int session) {
  if (successor_ && successor_->session() == session) successor_.reset();
  if (proxy_ && proxy_->session() == session) detach("proxy hung up");
}

void CaptureControl::proxyDied() { detach("proxy died"); }

void CaptureControl::detach(const std::string& why) {
  const Status revoked = revoke();
  log_.warn("guard", why,
            {{"pid", std::to_string(proxy_->pid())}, {"revoked", revoked ? "yes" : revoked.error().context}});
  deadMan_.disengage();
  wanted_ = false;
  leaveBy_.reset();
  proxy_ = std::exchange(successor_, std::nullopt);
  detached_ = clock_.now();
}

/// What waits in the queues of a proxy that is gone, when none came in its place for as long as one that leaves goes on
/// accepting.
void CaptureControl::endAbandoned(Monotonic now) {
  if (proxy_ || now - detached_ < kHandOver) return;
  const unsigned ended = outbound_.resetWaiting() + inbound_.resetWaiting();
  if (ended != 0) {
    log_.warn("guard", "no proxy came for connections that waited: reset", {{"connections", std::to_string(ended)}});
  }
}

Status CaptureControl::revoke() {
  const Status revoked = capture_.revoke();
  // The kernel's own timeout stands behind it; tick() tries again until then.
  revokePending_ = !revoked;
  return revoked;
}

Status CaptureControl::apply(const CaptureSettings& settings) {
  LOAM_TRY(capture_.apply(settings));
  removing_ = false;
  LOAM_TRY(closure_.capture());
  log_.info("guard", "capture applied",
            {{"outbound", settings.outbound ? "on" : "off"}, {"inbound", settings.inbound ? "on" : "off"}});
  if (wanted_ && !deadMan_.engaged()) deadMan_.engage(clock_.now(), proxy_->heartbeats());
  watchHeartbeats(clock_.now());
  return {};
}

Status CaptureControl::bypass(const SocketAddress& destination, unsigned seconds) {
  if (seconds == 0 || seconds > kMostBypassSeconds) {
    return fail(ErrorCode::InvalidArgument, "a bypass lasts 1 to " + std::to_string(kMostBypassSeconds) + " s");
  }
  if (!capture_.applied()) return {};
  return capture_.bypass(destination, seconds);
}

Result<bool> CaptureControl::keepClosed(int session, std::vector<ClosedWay> ways) {
  if (proxy_ && proxy_->session() != session) {
    return fail(ErrorCode::Conflict, "loam-proxy " + std::to_string(proxy_->pid()) +
                                         " is attached to this guard, and says what is closed to plaintext");
  }
  return closure_.say(std::move(ways));
}

Result<Removal> CaptureControl::remove(bool now) {
  const auto opened = closure_.open();
  if (!opened) return fail(opened.error());
  auto removal = leave(now);
  if (removal) removal->opened = static_cast<std::uint32_t>(*opened);
  return removal;
}

Result<Removal> CaptureControl::leave(bool now) {
  if (!capture_.applied()) return Removal{true, 0, 0};
  deadMan_.disengage();
  LOAM_TRY(revoke());
  const auto relayed = capture_.relayed();
  if (!relayed) return fail(relayed.error());
  removing_ = true;
  if (*relayed != 0 && !now) return Removal{false, *relayed, 0};
  LOAM_TRY(capture_.remove());
  removing_ = false;
  log_.info("guard", "capture removed", {{"connections_cut", std::to_string(*relayed)}});
  return Removal{true, *relayed, 0};
}

Result<CaptureView> CaptureControl::view() {
  CaptureView view;
  view.applied = capture_.applied();
  view.alive = view.applied && deadMan_.alive();
  view.removing = removing_;
  view.whyNotAlive = view.alive ? "" : whyNotAlive();
  view.proxyPid = proxy_ ? proxy_->pid() : 0;
  view.workers = proxy_ ? proxy_->workers() : 0;
  const auto relayed = capture_.relayed();
  if (!relayed) return fail(relayed.error());
  view.relayed = *relayed;
  view.whyNotTransparent = capture_.whyNotTransparent();
  if (proxy_ && !mayMark(proxy_->pid())) view.whyNotTransparent = "loam-proxy has no CAP_NET_RAW";
  auto rules = capture_.rules();
  if (!rules) return fail(rules.error());
  view.rules = std::move(*rules);
  view.closed = capture_.closed();
  view.settings = capture_.settings();
  view.footprint = capture_.footprint();
  return view;
}

std::string CaptureControl::whyNotAlive() const {
  if (removing_) return "capture is being removed";
  if (!capture_.applied()) return "no capture is applied";
  if (!proxy_) return "no loam-proxy is attached";
  if (!wanted_) return "loam-proxy has not engaged yet";
  return "workers without a heartbeat: " + list(deadMan_.silent(clock_.now()));
}

void CaptureControl::tick() {
  const Monotonic now = clock_.now();
  if (revokePending_) (void)revoke();
  watchHeartbeats(now);
  watchDeparture(now);
  endAbandoned(now);
  if (removing_) finishRemoval(now);
  if (!removing_) reviewRules(now);
}

void CaptureControl::watchHeartbeats(Monotonic now) {
  if (!proxy_ || !deadMan_.engaged() || !capture_.applied() || removing_) return;
  const bool before = deadMan_.alive();
  const auto decision = deadMan_.step(now, proxy_->heartbeats());
  if (decision == DeadMan::Decision::Revoke) {
    const Status revoked = revoke();
    log_.warn("guard", "capture revoked: workers are silent",
              {{"workers", list(deadMan_.silent(now))}, {"revoked", revoked ? "yes" : revoked.error().context}});
  }
  if (decision != DeadMan::Decision::Renew) return;
  const Status renewed = capture_.renew(DeadMan::kTimeoutSeconds);
  if (!renewed) {
    deadMan_.failed();
    if (before) log_.error("guard", "capture cannot be renewed", {{"error", renewed.error().describe()}});
  } else if (!before) {
    revokePending_ = false;
    log_.info("guard", "capture is alive", {{"workers", std::to_string(proxy_->workers())}});
  }
}

void CaptureControl::finishRemoval(Monotonic now) {
  const auto removal = leave(false);
  if (removal && removal->removed) return;
  if (now - reported_ < kReportEvery) return;
  reported_ = now;
  if (!removal) return log_.error("guard", "capture cannot be removed", {{"error", removal.error().describe()}});
  log_.info("guard", "waiting for relayed connections to end", {{"connections", std::to_string(removal->relayed)}});
}

void CaptureControl::reviewRules(Monotonic now) {
  if (!capture_.holds() || now - reviewed_ < kReviewEvery) return;
  reviewed_ = now;
  const auto lost = capture_.refresh();
  if (!lost) {
    log_.error("guard", "capture cannot be reviewed", {{"error", lost.error().describe()}});
  } else if (*lost) {
    log_.warn("guard", "another program had taken rules of Loam away: they are back");
  }
}

}  // namespace loam::guard
