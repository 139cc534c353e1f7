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
    LOAM_TRY(drainWanted_ ? standAside() : attach());
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

Status GuardLink::connect() {
  if (client_) return {};
  auto client = guard::GuardClient::connect(socketPath_);
  if (!client) return fail(std::move(client).error());
  client_ = *std::move(client);
  closedTold_ = false;
  return {};
}

Status GuardLink::attach() {
  LOAM_TRY(connect());
  guard::CaptureTerms terms;
  auto listeners = client_->attach(workers_, heartbeats_.descriptor(), terms);
  const bool given = listeners.has_value();
  Status engaged = given ? Status() : fail(listeners.error());
  if (given) {
    receiver_.onAttached(*std::move(listeners), DialTerms{terms.mark, terms.transparentMark, terms.transparent});
    engaged = client_->engage();
  }
  if (!engaged) {
    client_.reset();  // half an attachment would be in the way of the next
    if (given) receiver_.onReleased();
    return engaged;
  }
  whyNotTransparent_ = terms.transparent ? "" : terms.whyNotTransparent;
  if (!whyNotTransparent_.empty()) {
    log_.warn("server", "servers will see this host's address instead of the client's", {{"why", whyNotTransparent_}});
  }
  log_.info("server", "capture engaged", {{"guard", socketPath_}});
  attached_.store(true, std::memory_order_relaxed);
  return {};
}

/// Leaves capture, and stays connected.
Status GuardLink::standAside() {
  if (attached_.load(std::memory_order_relaxed)) {
    if (const auto departure = client_->release(false); !departure) {
      log_.warn("server", "the guard did not take the release", {{"error", departure.error().describe()}});
      client_.reset();  // to hang up revokes as well
    }
    attached_.store(false, std::memory_order_relaxed);
    receiver_.onReleased();
  }
  if (!drained_.exchange(true)) {
    log_.info("server", "drained: new connections go direct, what is relayed goes on until it ends");
  }
  return connect();
}

/// Captures, or does not, as is wanted; comes back to a guard that was away. True when it captures from now on.
bool GuardLink::follow(bool drained) {
  const std::lock_guard lock(clientMutex_);
  if (released_) return false;
  const bool wasAttached = attached_.load(std::memory_order_relaxed);
  Status done = drained ? standAside() : wasAttached ? Status() : attach();
  // The line of before may be to a guard that was restarted since.
  if (!done && !drained && done.error().code == ErrorCode::Closed) done = attach();
  if (!drained && drained_.exchange(false)) {
    log_.write(done ? LogLevel::Info : LogLevel::Warn, "server", "resumed",
               {{"capture", done ? "engaged" : done.error().describe()}});
  } else if (!done) {
    log_.write(LogLevel::Debug, "server", "the guard is away", {{"error", done.error().describe()}});
  }
  return !wasAttached && attached_.load(std::memory_order_relaxed);
}

void GuardLink::run() {
  Monotonic renewed{};
  std::unique_lock queue(queueMutex_);
  while (!stopping_) {
    const auto bypasses = std::exchange(bypasses_, {});
    const auto waiting = std::exchange(drainWaiting_, {});
    const bool drained = drainWanted_;
    const auto now = std::chrono::steady_clock::now();
    const bool closedNews = std::exchange(closedChanged_, false);
    const bool due = std::exchange(keptChanged_, false) || now - renewed >= kRenew;
    const std::vector<SocketAddress> kept = kept_;
    queue.unlock();
    const bool captures = follow(drained);
    tellClosed(closedNews);
    for (const auto& done : waiting) done();
    tellBypasses(bypasses);
    if (!kept.empty() && (due || captures)) {
      renewed = now;
      renew(kept);
    }
    queue.lock();
    wake_.wait_for(queue, kRetry, [this] {
      return stopping_ || keptChanged_ || closedChanged_ || !bypasses_.empty() || !drainWaiting_.empty();
    });
  }
}

void GuardLink::renew(const std::vector<SocketAddress>& kept) {
  const std::lock_guard lock(clientMutex_);
  if (!isAttached()) return;  // nothing is captured either
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

void GuardLink::keepClosed(std::vector<guard::ClosedEndpoint> endpoints, std::function<void()> done) {
  {
    const std::lock_guard lock(queueMutex_);
    closed_ = std::move(endpoints);
    closedWaiting_.push_back(std::move(done));
    closedChanged_ = true;
  }
  wake_.notify_one();
}

/// Says what is to be closed where that is news, to this guard or at all.
void GuardLink::tellClosed(bool news) {
  const std::lock_guard lock(clientMutex_);
  std::unique_lock queue(queueMutex_);
  // Given free: the successor says it.
  if (!closed_ || (closedTold_ && !news && closedWaiting_.empty())) return;
  const std::vector<guard::ClosedEndpoint> wanted = *closed_;
  auto waiting = std::exchange(closedWaiting_, {});
  queue.unlock();
  const Status said = released_ ? Status() : sayClosed(wanted);
  if (!said) {
    if (said.error().context != whyNotClosed_) {
      log_.warn("server", "not closed to plaintext as it is to be", {{"error", said.error().describe()}});
    }
    whyNotClosed_ = said.error().context;
    queue.lock();
    closedWaiting_.insert(closedWaiting_.begin(), std::make_move_iterator(waiting.begin()),
                          std::make_move_iterator(waiting.end()));
    return;
  }
  for (const auto& done : waiting) done();
}

Status GuardLink::sayClosed(const std::vector<guard::ClosedEndpoint>& endpoints) {
  if (closedHeld_ == endpoints && (closedTold_ || !client_)) return {};
  if (!client_) return fail(ErrorCode::Closed, "the guard is away");
  const auto holds = client_->keepClosed(endpoints);
  if (!holds) {
    const ErrorCode code = holds.error().code;
    if (code == ErrorCode::Closed || code == ErrorCode::Reset || code == ErrorCode::Timeout) lose();
    // Drained, with another proxy in its place: that one says it.
    if (code != ErrorCode::Conflict || !isDrained()) return fail(holds.error());
  }
  closedTold_ = true;
  closedHeld_ = endpoints;
  whyNotClosed_ =
      !holds || *holds ? "" : "capture was taken off on this host: it is closed when capture is applied again";
  if (!whyNotClosed_.empty()) log_.warn("server", "nothing is closed to plaintext", {{"why", whyNotClosed_}});
  return {};
}

std::string GuardLink::whyNotClosed() const {
  const std::lock_guard lock(clientMutex_);
  return whyNotClosed_;
}

void GuardLink::setDrained(bool drained, std::function<void()> done) {
  {
    const std::lock_guard lock(queueMutex_);
    drainWanted_ = drained;
    drainWaiting_.push_back(std::move(done));
  }
  wake_.notify_one();
}

void GuardLink::tellBypasses(const Bypasses& bypasses) {
  const std::lock_guard lock(clientMutex_);
  for (const auto& [destination, waiting] : bypasses) {
    if (const Status status = tellBypass(destination, kBypassSeconds); !status) {
      log_.warn("server", "no bypass", {{"destination", destination.text()}, {"error", status.error().describe()}});
    }
    for (const auto& done : waiting) done();
  }
}

Status GuardLink::tellBypass(const SocketAddress& destination, unsigned forSeconds) {
  if (released_ || isDrained()) return {};  // nothing is captured any more
  if (!client_) return fail(ErrorCode::Closed, "the guard is away");
  Status status = client_->bypass(destination, forSeconds);
  if (!status && (status.error().code == ErrorCode::Closed || status.error().code == ErrorCode::Reset)) lose();
  return status;
}

void GuardLink::lose() {
  client_.reset();
  if (!attached_.exchange(false)) return;
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
  if (!isAttached()) return false;
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
