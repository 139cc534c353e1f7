#include "shadow/observe/fact_poller.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace loam::observe {

FactPoller::FactPoller(Read read, milliseconds period, Log& log)
    : read_(std::move(read)), period_(period), log_(log), thread_([this] { run(); }) {}

FactPoller::~FactPoller() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::optional<guard::HostFacts> FactPoller::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(latest_, std::nullopt);
}

void FactPoller::keep(guard::HostFacts facts) {
  if (latest_) {
    const std::size_t room = kMostDns - std::min(kMostDns, facts.dns.size());
    const auto kept = static_cast<std::ptrdiff_t>(std::min(room, latest_->dns.size()));
    facts.dns.insert(facts.dns.begin(), std::make_move_iterator(latest_->dns.end() - kept),
                     std::make_move_iterator(latest_->dns.end()));
  }
  latest_ = std::move(facts);
}

void FactPoller::run() {
  bool failing = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    auto facts = read_();
    if (!facts && !failing) {
      log_.warn("observe", "the host's facts cannot be read; owners and uncaptured edges stay unknown",
                {{"error", facts.error().describe()}});
    }
    failing = !facts;
    lock.lock();
    if (facts) keep(*std::move(facts));
    wake_.wait_for(lock, period_, [this] { return stopping_; });
  }
}

}  // namespace loam::observe
