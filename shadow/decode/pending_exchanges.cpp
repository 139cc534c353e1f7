#include "shadow/decode/pending_exchanges.h"

namespace loam::decode {

bool PendingExchanges::push(Kind kind, Monotonic started) {
  const std::size_t held = runs_.size() - first_;
  if (held > 0 && runs_.back().kind == kind && (runs_.back().started == started || crowded())) {
    ++runs_.back().count;
    return true;
  }
  if (held == kMostRuns) return false;
  if (first_ > held) {
    runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  runs_.push_back({started, 1, kind});
  return true;
}

bool PendingExchanges::setBackKind(Kind kind) {
  Run& run = runs_.back();
  if (run.count > 1) {
    --run.count;
    return push(kind, run.started);
  }
  run.kind = kind;
  if (runs_.size() - first_ < 2) return true;
  Run& before = runs_[runs_.size() - 2];
  if (before.kind == kind && (before.started == run.started || crowded())) {
    ++before.count;
    runs_.pop_back();
  }
  return true;
}

void PendingExchanges::answering(Monotonic now) {
  if (!answered_ && !empty()) answered_ = now;
}

void PendingExchanges::report(Outcome outcome, Monotonic now, std::uint16_t status) {
  Exchange exchange;
  exchange.outcome = outcome;
  exchange.status = status;
  exchange.started = runs_[first_].started;
  exchange.firstByte = answered_.value_or(now) - exchange.started;
  exchange.total = now - exchange.started;
  events_.onExchange(exchange);
}

void PendingExchanges::drop() {
  answered_.reset();
  if (--runs_[first_].count > 0) return;
  if (++first_ == runs_.size()) clear();
}

void PendingExchanges::clear() {
  constexpr std::size_t kKept = 8;
  answered_.reset();
  first_ = 0;
  if (runs_.capacity() > kKept) {
    std::vector<Run>().swap(runs_);
  } else {
    runs_.clear();
  }
}

}  // namespace loam::decode
