#include "shadow/report/reporter.h"

#include <algorithm>
#include <utility>

namespace loam::report {

Reporter::Reporter(Transport& transport, Spool& spool, const Clock& clock, Log& log, std::uint64_t seed)
    : transport_(transport),
      spool_(spool),
      clock_(clock),
      log_(log),
      random_(static_cast<std::minstd_rand::result_type>(seed)),
      adopted_(clock.now()),
      droppedBefore_(spool.dropped()) {}

void Reporter::offer(std::string report) {
  const std::lock_guard lock(mutex_);
  offered_.push_back(std::move(report));
  // Something is dropped here only while the reporter's thread hangs in the transport.
  dropped_.fetch_add(dropBeyondBounds(offered_), std::memory_order_relaxed);
}

std::uint64_t Reporter::dropBeyondBounds(std::deque<std::string>& reports) {
  std::size_t bytes = 0;
  for (const std::string& report : reports) bytes += report.size();
  std::uint64_t dropped = 0;
  while (reports.size() > kMostWaiting || (bytes > kMostWaitingBytes && reports.size() > 1)) {
    bytes -= reports.front().size();
    reports.pop_front();
    ++dropped;
  }
  return dropped;
}

void Reporter::takeOffers() {
  const std::lock_guard lock(mutex_);
  std::move(offered_.begin(), offered_.end(), std::back_inserter(waiting_));
  offered_.clear();
}

void Reporter::adoptWhenDue() {
  if (clock_.now() - adopted_ < kAdoptEvery) return;
  adopted_ = clock_.now();
  if (const auto taken = spool_.adopt(); !taken) {
    log_.warn("report", "a predecessor's spool cannot be taken in", {{"error", taken.error().describe()}});
  }
}

bool Reporter::tick() {
  takeOffers();
  adoptWhenDue();
  Sent sent = Sent::Nothing;
  if (clock_.now() >= nextAttempt_) {
    for (int i = 0; i < kMostSentPerTick; ++i) {
      sent = sendOldest();
      if (sent != Sent::Yes) break;
    }
  }
  if (sent != Sent::Yes) spoolWaiting();
  publishDropped();
  return sent == Sent::Yes;
}

void Reporter::flush(Monotonic deadline) {
  takeOffers();
  while (clock_.now() < deadline && sendOldest() == Sent::Yes) {
  }
  spoolWaiting();
  publishDropped();
}

Reporter::Sent Reporter::sendOldest() {
  if (spool_.size() > 0) {
    auto oldest = spool_.front();
    if (!oldest) {
      log_.warn("report", "the spool cannot be read", {{"error", oldest.error().describe()}});
    } else if (*oldest) {
      if (!deliver(**oldest)) return Sent::Failed;
      if (const auto popped = spool_.pop(); !popped) {
        // It will be sent again; the controller counts it once.
        log_.warn("report", "the spool cannot be written", {{"error", popped.error().describe()}});
        return Sent::Failed;
      }
      return Sent::Yes;
    }
  }
  if (waiting_.empty()) return Sent::Nothing;
  if (!deliver(waiting_.front())) return Sent::Failed;
  waiting_.pop_front();
  return Sent::Yes;
}

bool Reporter::deliver(const std::string& report) {
  const auto sent = transport_.send(report);
  if (sent) {
    if (backOff_ > kFirstBackOff) log_.info("report", "the controller is reached again");
    backOff_ = milliseconds(0);
    nextAttempt_ = clock_.now();
    return true;
  }
  if (sent.error().code == ErrorCode::InvalidArgument) {
    log_.error("report", "the controller refuses a report", {{"error", sent.error().describe()}});
    lose(1);
    return true;
  }
  if (backOff_ == milliseconds(0)) {
    log_.warn("report", "the controller cannot be reached; reports are spooled", {{"error", sent.error().describe()}});
  }
  backOff_ = std::clamp(backOff_ * 2, kFirstBackOff, kMostBackOff);
  // Half of it fixed, half drawn: proxies that lost the controller together do not come back together.
  std::uniform_int_distribution<std::int64_t> jitter(backOff_.count() / 2, backOff_.count());
  nextAttempt_ = clock_.now() + milliseconds(jitter(random_));
  return false;
}

void Reporter::spoolWaiting() {
  while (!waiting_.empty()) {
    if (const auto pushed = spool_.push(waiting_.front()); !pushed) {
      log_.warn("report", "the spool cannot be written", {{"error", pushed.error().describe()}});
      break;
    }
    waiting_.pop_front();
  }
  lose(dropBeyondBounds(waiting_));
}

void Reporter::publishDropped() {
  const std::uint64_t spoolLost = spool_.dropped() - droppedBefore_;
  const std::uint64_t known = lost_ + spoolLost;
  dropped_.fetch_add(known - std::exchange(told_, known), std::memory_order_relaxed);
}

}  // namespace loam::report
