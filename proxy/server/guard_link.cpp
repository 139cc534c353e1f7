#include "proxy/server/guard_link.h"

#include <utility>

namespace loam::server {

GuardLink::GuardLink(std::string socketPath, unsigned workers, HeartbeatPage& heartbeats, Log& log, Receiver receiver)
    : socketPath_(std::move(socketPath)),
      workers_(workers),
      heartbeats_(heartbeats),
      log_(log),
      receiver_(std::move(receiver)) {}

GuardLink::~GuardLink() {
  {
    const std::lock_guard lock(queueMutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status GuardLink::start() {
  {
    const std::lock_guard lock(clientMutex_);
    LOAM_TRY(attach());
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

Status GuardLink::attach() {
  auto client = guard::GuardClient::connect(socketPath_);
  if (!client) return fail(std::move(client).error());
  guard::CaptureTerms terms;
  auto listeners = client->attach(workers_, heartbeats_.descriptor(), terms);
  if (!listeners) return fail(std::move(listeners).error());
  receiver_.onAttached(*std::move(listeners), DialTerms{terms.mark, terms.transparentMark, terms.transparent});
  LOAM_TRY(client->engage());
  whyNotTransparent_ = terms.transparent ? "" : terms.whyNotTransparent;
  if (!whyNotTransparent_.empty()) {
    log_.warn("server", "servers will see this host's address instead of the client's", {{"why", whyNotTransparent_}});
  }
  log_.info("server", "capture engaged", {{"guard", socketPath_}});
  client_ = *std::move(client);
  attached_.store(true, std::memory_order_relaxed);
  return {};
}

void GuardLink::run() {
  Monotonic renewed{};
  std::unique_lock queue(queueMutex_);
  while (!stopping_) {
    const auto bypasses = std::exchange(bypasses_, {});
    const auto now = std::chrono::steady_clock::now();
    const bool renews = !kept_.empty() && (std::exchange(keptChanged_, false) || now - renewed >= kRenew);
    const std::vector<SocketAddress> kept = renews ? kept_ : std::vector<SocketAddress>();
    queue.unlock();
    tellBypasses(bypasses);
    if (renews) {
      renewed = now;
      renew(kept);
    }
    queue.lock();
    wake_.wait_for(queue, kRetry, [this] { return stopping_ || keptChanged_ || !bypasses_.empty(); });
  }
}

void GuardLink::renew(const std::vector<SocketAddress>& kept) {
  const std::lock_guard lock(clientMutex_);
  if (!client_) return;  // nothing is captured either
  for (const SocketAddress& destination : kept) {
    if (const Status status = tellBypass(destination, kKeptSeconds); !status) {
      return log_.warn("server", "captured although it is not to be", {{"error", status.error().describe()}});
    }
  }
}

void GuardLink::keepBypassed(std::vector<SocketAddress> destinations) {
  {
    const std::lock_guard lock(queueMutex_);
    kept_ = std::move(destinations);
    keptChanged_ = !kept_.empty();
  }
  wake_.notify_one();
}

void GuardLink::tellBypasses(const Bypasses& bypasses) {
  const std::lock_guard lock(clientMutex_);
  if (!client_ && !released_) {
    if (const Status status = attach(); !status) {
      log_.write(LogLevel::Debug, "server", "the guard is away", {{"error", status.error().describe()}});
    }
  }
  for (const auto& [destination, waiting] : bypasses) {
    if (const Status status = tellBypass(destination, kBypassSeconds); !status) {
      log_.warn("server", "no bypass", {{"destination", destination.text()}, {"error", status.error().describe()}});
    }
    for (const auto& done : waiting) done();
  }
}

Status GuardLink::tellBypass(const SocketAddress& destination, unsigned forSeconds) {
  if (released_) return {};  // nothing is captured any more
  if (!client_) return fail(ErrorCode::Closed, "the guard is away");
  Status status = client_->bypass(destination, forSeconds);
  if (!status && (status.error().code == ErrorCode::Closed || status.error().code == ErrorCode::Reset)) lose();
  return status;
}

void GuardLink::lose() {
  client_.reset();
  attached_.store(false, std::memory_order_relaxed);
  log_.warn("server", "the guard went away: new connections go direct until it is back", {{"guard", socketPath_}});
}

void GuardLink::bypass(const SocketAddress& destination, std::function<void()> done) {
  {
    const std::lock_guard lock(queueMutex_);
    bypasses_[destination].push_back(std::move(done));
  }
  wake_.notify_one();
}

bool GuardLink::release(bool handOver) {
  const std::lock_guard lock(clientMutex_);
  released_ = true;
  if (!client_) return false;
  const auto departure = client_->release(handOver);
  if (!departure) {
    log_.warn("server", "the guard did not take the release", {{"error", departure.error().describe()}});
  }
  attached_.store(false, std::memory_order_relaxed);
  return departure && departure->succeeded;
}

Result<guard::HostFacts> GuardLink::facts() {
  const std::lock_guard lock(clientMutex_);
  if (!client_) return fail(ErrorCode::Closed, "the guard is away");
  auto facts = client_->facts();
  if (!facts && (facts.error().code == ErrorCode::Closed || facts.error().code == ErrorCode::Reset)) lose();
  return facts;
}

std::string GuardLink::whyNotTransparent() const {
  const std::lock_guard lock(clientMutex_);
  return whyNotTransparent_;
}

}  // namespace loam::server
