#include "shadow/observe/fact_poller.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace loam::observe {

namespace {

constexpr int kRestFactor = 99;
constexpr milliseconds kLongest{10'000};

}  // namespace

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
    const auto began = std::chrono::steady_clock::now();
    auto facts = read_();
    const std::chrono::nanoseconds rest = (std::chrono::steady_clock::now() - began) * kRestFactor;
    if (!facts && !failing) {
      log_.warn("observe", "the host's facts cannot be read; owners and uncaptured edges stay unknown",
                {{"error", facts.error().describe()}});
    }
    failing = !facts;
    lock.lock();
    if (facts) keep(*std::move(facts));
    wake_.wait_for(lock, std::clamp<std::chrono::nanoseconds>(rest, period_, std::max(period_, kLongest)),
                   [this] { return stopping_; });
  }
}

}  // namespace loam::observe
