#include "proxy/server/snapshot_source.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "proxy/base/json.h"
#include "proxy/http/date.h"
#include "proxy/io/signal.h"
#include "proxy/server/kill_switch.h"

namespace loam::server {

SnapshotSource::SnapshotSource(std::string proxy, http::Target controller, Enroller* enroller, const std::string& file,
                               std::unique_ptr<io::EventLoop> loop, Log& log, Workers workers)
    : proxy_(std::move(proxy)),
      enroller_(enroller),
      file_(file),
      log_(log),
      workers_(std::move(workers)),
      loop_(std::move(loop)),
      random_(std::random_device()()),
      connection_(std::move(controller), enroller == nullptr ? http::Securing{} : enroller->identity().securing()),
      skew_(loop_->clock(), log) {}

SnapshotSource::~SnapshotSource() { stop(); }

void SnapshotSource::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

void SnapshotSource::start(Kept kept, bool killed) {
  killed_ = killed;
  thread_ = std::thread([this, kept = std::move(kept)]() mutable {
    ::pthread_setname_np(::pthread_self(), "snapshots");
    scope_.spawn(watch(std::move(kept)));
    loop_->run();
    scope_.cancelAll();
  });
}

void SnapshotSource::setKilled(bool killed) {
  loop_->post([this, killed] {
    if (std::exchange(killed_, killed) == killed) return;
    scope_.spawn(install());
    interrupted_ = true;
    connection_.cut();
  });
}

io::Task<void> SnapshotSource::begin(Kept kept) {
  if (!kept) {
    file_.moveAside();
    log_.error("snapshot", "moved aside; the controller is asked for a new one", {{"error", kept.error().describe()}});
  }
  if (!kept || !*kept) co_return;
  if (const auto table = ServiceTable::make(**kept); !table) {
    log_.error("snapshot", "the kept snapshot is not used", {{"error", table.error().describe()}});
    co_return;
  }
  current_ = **std::move(kept);
  epoch_ = current_->epoch;
  acknowledged_ = current_->generation;
  if (enroller_ != nullptr && current_->trust) enroller_->told(*current_->trust, false);
  current_->trust.reset();  // what is believed is the enroller's to know
  co_await install();
  log_.info("snapshot", "started from the disk", {{"generation", std::to_string(acknowledged_)}});
}

io::Task<void> SnapshotSource::watch(Kept kept) {
  co_await begin(std::move(kept));
  milliseconds backOff{0};
  for (;;) {
    if (enroller_ != nullptr) {
      const bool ready = co_await enroller_->tend(*loop_, connection_);
      if (!ready) {
        co_await loop_->sleepFor(Enroller::kLook);
        continue;
      }
    }
    const bool answered = co_await ask();
    if (answered != reached_.exchange(answered)) {
      if (answered) log_.info("snapshot", "the controller is reached", {{"controller", connection_.target().text()}});
    }
    if (answered) {
      backOff = milliseconds(0);
      continue;
    }
    // Half of it fixed, half drawn: proxies that lost the controller together do not come back together (G12).
    backOff = std::clamp(backOff * 2, kFirstBackOff, kMostBackOff);
    std::uniform_int_distribution<std::int64_t> jitter(backOff.count() / 2, backOff.count());
    co_await loop_->sleepFor(milliseconds(jitter(random_)));
  }
}

wire::Watch SnapshotSource::question() {
  wire::Watch watch;
  watch.proxy = proxy_;
  watch.version = LOAM_VERSION;
  watch.capabilities = ServiceTable::capabilities();
  watch.epoch = epoch_;
  watch.acknowledged = acknowledged_;
  watch.inEffect = inEffect_;
  watch.refused = refusal_;
  watch.oldConnections = workers_.oldConnections(acknowledged_);
  if (enroller_ != nullptr) watch.trust = enroller_->state().trustStep;
  watch.killed = killed_;
  watch.missed = workers_.takeMissed();
  watch.drained = workers_.drained();
  watch.waitMs = static_cast<std::uint32_t>(waitFor(watch).count());
  return watch;
}

/// What is not yet in effect is to be told soon, and what found no room may find some.
milliseconds SnapshotSource::waitFor(const wire::Watch& watch) const {
  if (inEffect_ != acknowledged_) return kInEffectWithin;
  if (watch.drained && !watch.drained->isOver()) return kDraining;
  return refusalIsLocal_ ? kRetryLocal : kWait;
}

/// One question and what comes of its answer; false when there was none.
io::Task<bool> SnapshotSource::ask() {
  const wire::Watch watch = question();
  http::Request request{.method = "POST", .target = "/v1/watch", .body = wire::encode(watch)};
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Date", http::dateText(loop_->clock().wall()));
  const Monotonic deadline = loop_->now() + milliseconds(watch.waitMs) + kGrace;
  interrupted_ = false;
  const auto answer = co_await connection_.ask(*loop_, std::move(request), deadline);
  if (!answer && interrupted_) co_return true;
  if (answer) skew_.measure(answer->header("date"));
  if (!answer || (answer->status != 200 && answer->status != 204)) {
    onSilence(answer);
    co_return false;
  }
  if (enroller_ != nullptr) enroller_->setHeard(true);
  if (answer->status == 204) {
    if (std::exchange(refusalIsLocal_, false)) refusal_.reset();  // the next question brings the snapshot again
    co_return true;
  }
  auto snapshot = wire::decodeSnapshot(answer->body);
  if (!snapshot) {
    refuse(watch.acknowledged + 1, snapshot.error().context);
    co_return false;
  }
  co_await take(*std::move(snapshot), answer->body);
  co_return true;
}

void SnapshotSource::onSilence(const Result<http::Response>& answer) {
  if (enroller_ != nullptr) enroller_->setHeard(false);
  if (std::exchange(refusalIsLocal_, false)) refusal_.reset();
  const std::string error = answer ? "status " + std::to_string(answer->status) : answer.error().describe();
  if (reached_ || std::exchange(silent_, error) != error) {
    log_.warn("snapshot", "the controller is away: the last snapshot stays in force", {{"error", error}});
  }
}

io::Task<void> SnapshotSource::take(wire::Snapshot snapshot, const std::string& encoded) {
  const std::uint64_t generation = snapshot.generation;
  if (snapshot.proxy != proxy_) co_return refuse(generation, "it is for " + snapshot.proxy);
  if (std::pair(snapshot.epoch, generation) <= std::pair(epoch_.load(), acknowledged_.load())) {
    co_return refuse(generation, "it is older than the one in force");
  }
  if (const auto table = ServiceTable::make(snapshot); !table) co_return refuse(generation, table.error().context);
  if (enroller_ != nullptr && snapshot.trust && !enroller_->believes(*snapshot.trust)) {
    if (const auto roots = rootsOf(*snapshot.trust); !roots) co_return refuse(generation, roots.error().context);
  }
  if (const Status stored = file_.store(encoded); !stored) {
    refuse(generation, stored.error().context);
    refusalIsLocal_ = true;
    co_return;
  }
  refusal_.reset();
  if (enroller_ != nullptr && snapshot.trust) enroller_->told(*snapshot.trust, snapshot.epoch > epoch_);
  epoch_ = snapshot.epoch;
  acknowledged_ = generation;
  current_ = std::move(snapshot);
  current_->trust.reset();
  co_await install();
}

io::Task<void> SnapshotSource::install() {
  if (!current_) co_return;
  auto made = ServiceTable::make(killed_ ? whatKillLeaves(*current_) : *current_, *workers_.ledger);
  if (!made) co_return;  // never: it could be made when the snapshot came, and a kill only takes away
  const std::uint64_t generation = made->generation();
  io::Signal done(*loop_);
  workers_.install(std::make_shared<const ServiceTable>(*std::move(made)), [this, generation, raise = done.raiser()] {
    inEffect_ = generation;
    raise();
  });
  co_await done.until(loop_->clock().now() + kInEffectWithin);
}

void SnapshotSource::refuse(std::uint64_t generation, std::string reason) {
  ++refusals_;
  log_.error("snapshot", "a snapshot is refused, the last one stays in force",
             {{"generation", std::to_string(generation)}, {"why", reason}});
  refusal_ = wire::Refusal{generation, {std::move(reason)}};
  refusalIsLocal_ = false;
}

SnapshotSource::State SnapshotSource::state() const { return {epoch_, acknowledged_, inEffect_, reached_, refusals_}; }

}  // namespace loam::server
