#include "proxy/server/snapshot_source.h"

#include <pthread.h>

#include <algorithm>
#include <filesystem>

#include "proxy/base/json.h"
#include "proxy/io/signal.h"

namespace loam::server {

SnapshotSource::SnapshotSource(std::string proxy, http::Target controller, std::string file,
                               std::unique_ptr<io::EventLoop> loop, Log& log, Workers workers)
    : proxy_(std::move(proxy)),
      controller_(std::move(controller)),
      file_(std::move(file)),
      log_(log),
      workers_(std::move(workers)),
      loop_(std::move(loop)),
      random_(std::random_device()()) {}

SnapshotSource::~SnapshotSource() { stop(); }

void SnapshotSource::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

void SnapshotSource::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "snapshots");
    scope_.spawn(watch());
    loop_->run();
    scope_.cancelAll();
  });
}

io::Task<void> SnapshotSource::loadFromDisk() {
  const auto kept = file_.load();
  if (!kept) {
    std::error_code ignored;  // what stays in the way is written over by the next snapshot
    std::filesystem::rename(file_.path(), file_.path() + ".damaged", ignored);
    log_.error("snapshot", "moved aside; the controller is asked for a new one", {{"error", kept.error().describe()}});
  }
  if (!kept || !*kept) co_return;
  auto table = ServiceTable::make(**kept);
  if (!table) {
    log_.error("snapshot", "the kept snapshot is not used", {{"error", table.error().describe()}});
    co_return;
  }
  epoch_ = (*kept)->epoch;
  acknowledged_ = (*kept)->generation;
  co_await install(std::make_shared<const ServiceTable>(*std::move(table)));
  log_.info("snapshot", "started from the disk", {{"generation", std::to_string((*kept)->generation)}});
}

io::Task<void> SnapshotSource::watch() {
  co_await loadFromDisk();
  milliseconds backOff{0};
  for (;;) {
    const bool answered = co_await ask();
    if (answered != reached_.exchange(answered)) {
      if (answered) log_.info("snapshot", "the controller is reached", {{"controller", controller_.text()}});
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
  watch.missed = workers_.takeMissed();
  // What is not yet in effect is to be told soon.
  watch.waitMs = static_cast<std::uint32_t>((inEffect_ == acknowledged_ ? kWait : kInEffectWithin).count());
  return watch;
}

/// One question and what comes of its answer; false when there was none.
io::Task<bool> SnapshotSource::ask() {
  const wire::Watch watch = question();
  http::Request request{.method = "POST", .target = "/v1/watch", .body = wire::encode(watch)};
  request.headers.emplace_back("Content-Type", "application/json");
  const Monotonic deadline = loop_->now() + milliseconds(watch.waitMs) + kGrace;
  const auto answer = co_await http::fetch(*loop_, controller_, std::move(request), deadline);
  if (!answer || (answer->status != 200 && answer->status != 204)) {
    if (reached_) {
      log_.warn("snapshot", "the controller is away: the last snapshot stays in force",
                {{"error", answer ? "status " + std::to_string(answer->status) : answer.error().describe()}});
    }
    co_return false;
  }
  if (answer->status == 204) co_return true;
  auto snapshot = wire::decodeSnapshot(answer->body);
  if (!snapshot) {
    refuse(watch.acknowledged + 1, snapshot.error().context);
    co_return false;
  }
  co_await take(*std::move(snapshot));
  co_return true;
}

io::Task<void> SnapshotSource::take(wire::Snapshot snapshot) {
  const std::uint64_t generation = snapshot.generation;
  if (snapshot.proxy != proxy_) co_return refuse(generation, "it is for " + snapshot.proxy);
  if (std::pair(snapshot.epoch, generation) <= std::pair(epoch_.load(), acknowledged_.load())) {
    co_return refuse(generation, "it is older than the one in force");
  }
  auto table = ServiceTable::make(snapshot);
  if (!table) co_return refuse(generation, table.error().context);
  if (const Status stored = file_.store(snapshot); !stored) co_return refuse(generation, stored.error().context);
  refusal_.reset();
  epoch_ = snapshot.epoch;
  acknowledged_ = generation;
  co_await install(std::make_shared<const ServiceTable>(*std::move(table)));
}

io::Task<void> SnapshotSource::install(std::shared_ptr<const ServiceTable> table) {
  const std::uint64_t generation = table->generation();
  io::Signal done(*loop_);
  workers_.install(std::move(table), [this, generation, raise = done.raiser()] {
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
}

SnapshotSource::State SnapshotSource::state() const { return {epoch_, acknowledged_, inEffect_, reached_, refusals_}; }

}  // namespace loam::server
