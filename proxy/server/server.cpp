#include "proxy/server/server.h"

#include <algorithm>
#include <future>

#include "proxy/server/host_addresses.h"

namespace loam::server {

namespace {

/// After capture was revoked, clients that were already shaking hands still arrive for a moment.
constexpr milliseconds kLetGoAfter{3000};

}  // namespace

unsigned workersOf(const Settings& settings) {
  return settings.workers != 0 ? settings.workers : std::max(1u, std::thread::hardware_concurrency());
}

Result<std::unique_ptr<Server>> Server::start(const Settings& settings, const Clock& clock, Log& log,
                                              const TapFactories& taps, std::shared_ptr<const ServiceTable> services,
                                              const Beside& beside) {
  auto heartbeats = HeartbeatPage::make(workersOf(settings));
  if (!heartbeats) return fail(std::move(heartbeats).error());
  std::unique_ptr<Server> server(new Server(*std::move(heartbeats)));
  LOAM_TRY(server->bindPorts(settings, clock));
  if (!settings.guard.empty()) server->makeGuardLink(settings, log);
  PeerAccess peers{beside.identity, settings.peerPort,
                   [&log, said = std::make_shared<std::atomic<bool>>(false)](const Error& error) {
                     if (said->exchange(true)) return;
                     log.error("mtls", "other proxies cannot reach this one: it tries again every second",
                               {{"error", error.describe()}});
                   }};
  LOAM_TRY(server->startWorkers(settings, taps, std::move(peers), beside, services));
  if (const auto controller = SocketAddress::parse(settings.controller)) server->controller_ = *controller;
  if (server->guard_) server->guard_->keepBypassed(server->bypassed(services.get()));
  if (services) {
    server->setDrained(services->drained(), [] {});
    server->close(*services, [] {});
  }
  if (server->guard_) {
    LOAM_TRY(server->guard_->start());
    server->letControllerPast();
  }
  return server;
}

Status Server::bindPorts(const Settings& settings, const Clock& clock) {
  for (unsigned i = 0; i < workersOf(settings); ++i) {
    auto loop = io::EventLoop::make(clock);
    if (!loop) return fail(std::move(loop).error());
    loops_.push_back(*std::move(loop));
    bound_.emplace_back();
    for (std::size_t port = 0; port < settings.listen.size(); ++port) {
      // All workers share the port that the first one got.
      const SocketAddress& address = i == 0 ? settings.listen[port].address : addresses_[port];
      auto listener = io::Listener::bind(*loops_.back(), address, true);
      if (!listener) return fail(std::move(listener).error());
      if (i == 0) addresses_.push_back((*listener)->address());
      bound_.back().push_back(*std::move(listener));
    }
  }
  return {};
}

Status Server::startWorkers(const Settings& settings, const TapFactories& taps, PeerAccess peers, const Beside& beside,
                            const std::shared_ptr<const ServiceTable>& services) {
  std::vector<SocketAddress> own = addresses_;
  own.push_back({IpAddress(), settings.peerPort});
  if (settings.admin) own.push_back(*settings.admin);
  const auto onBypass = [this](const SocketAddress& destination, std::function<void()> done) {
    if (guard_) return guard_->bypass(destination, std::move(done));
    done();
  };
  for (unsigned i = 0; i < loops_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(i, std::move(loops_[i]), taps(i), heartbeats_, own, peers,
                                                beside.verdicts ? beside.verdicts(i) : nullptr, onBypass));
    if (services) workers_.back()->install(services, [] {});  // before it listens
    for (std::size_t port = 0; port < settings.listen.size(); ++port) {
      workers_.back()->listen(std::move(bound_[i][port]), Entry{relay::Vantage::Explicit, settings.listen[port].to});
    }
    workers_.back()->start();
  }
  loops_.clear();
  bound_.clear();
  return {};
}

void Server::makeGuardLink(const Settings& settings, Log& log) {
  GuardLink::Receiver receiver;
  receiver.onAttached = [this](guard::Listeners listeners, const DialTerms& terms) {
    onAttached(std::move(listeners), terms);
  };
  receiver.onReleased = [this] {
    for (auto& worker : workers_) worker->leaveCapture(kLetGoAfter);
  };
  guard_ = std::make_unique<GuardLink>(settings.guard, workersOf(settings), heartbeats_, log, std::move(receiver));
}

void Server::onAttached(guard::Listeners listeners, const DialTerms& terms) {
  for (auto& worker : workers_) worker->setTerms(terms);
  for (std::size_t i = 0; i < listeners.outbound.size(); ++i) {
    workers_[i % workers_.size()]->listen(std::move(listeners.outbound[i]), Entry{relay::Vantage::Outbound, {}});
  }
  for (std::size_t i = 0; i < listeners.inbound.size(); ++i) {
    workers_[i % workers_.size()]->listen(std::move(listeners.inbound[i]), Entry{relay::Vantage::Inbound, {}});
  }
}

std::vector<SocketAddress> Server::bypassed(const ServiceTable* services) const {
  std::vector<SocketAddress> all = services == nullptr ? std::vector<SocketAddress>() : services->notCaptured();
  if (controller_) all.push_back(*controller_);
  return all;
}

/// Before anybody asks it: a connection that was captured stays so.
void Server::letControllerPast() {
  if (!controller_) return;
  const auto past = std::make_shared<std::promise<void>>();
  auto done = past->get_future();
  guard_->bypass(*controller_, [past] { past->set_value(); });
  done.wait_for(seconds(1));  // without it the connection is relayed, which only costs
}

bool Server::drain(bool handOver) {
  ending_ = true;
  const bool succeeded = guard_ && guard_->release(handOver);
  const milliseconds grace = succeeded ? milliseconds(0) : guard_ ? kLetGoAfter : milliseconds(100);
  for (auto& worker : workers_) worker->stopAccepting(grace);
  return succeeded;
}

void Server::stop() {
  for (auto& worker : workers_) worker->stop();
}

bool Server::isAccepting() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->isAccepting(); });
}

std::uint64_t Server::active() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->counters().active.get();
  return sum;
}

/// One answer of each worker that gives it within a second.
template <class T>
std::vector<T> Server::askWorkers(const std::function<void(Worker&, std::function<void(T)>)>& ask) {
  std::vector<std::future<T>> coming;
  for (auto& worker : workers_) {
    const auto answer = std::make_shared<std::promise<T>>();
    coming.push_back(answer->get_future());
    ask(*worker, [answer](T value) { answer->set_value(std::move(value)); });
  }
  std::vector<T> all;
  for (auto& one : coming) {
    if (one.wait_for(seconds(1)) == std::future_status::ready) all.push_back(one.get());
  }
  return all;
}

std::vector<ConnectionSummary> Server::connections(std::size_t most) {
  using List = std::vector<ConnectionSummary>;
  std::vector<ConnectionSummary> all;
  for (const List& list : askWorkers<List>([most](Worker&worker, const std::function<void(List)>&then) {
         worker.inspect([then, most](const LiveConnections& live) { then(live.list(most)); });
       })) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

void Server::install(std::shared_ptr<const ServiceTable> services, std::function<void()> done) {
  if (guard_) guard_->keepBypassed(bypassed(services.get()));
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size() + 2);
  const auto one = [left, done] {
    if (left->fetch_sub(1) == 1) done();
  };
  for (auto& worker : workers_) worker->install(services, one);
  close(*services, one);
  setDrained(services->drained(), one);
}

void Server::close(const ServiceTable& services, std::function<void()> done) {
  if (!guard_) return done();
  std::vector<guard::ClosedEndpoint> closed = services.closed(hostAddresses());
  if (!closed.empty()) return guard_->keepClosed(std::move(closed), std::move(done));
  guard_->keepClosed({}, [] {});
  done();
}

void Server::setDrained(bool drained, std::function<void()> done) {
  if (guard_) return guard_->setDrained(drained, std::move(done));
  drained_ = drained;
  done();
}

std::optional<wire::Drained> Server::drained() const {
  if (!isDrained()) return std::nullopt;
  wire::Drained out;
  // Before the connections: what is taken meanwhile is among them.
  out.accepting =
      std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->isLeavingCapture(); });
  for (const auto& worker : workers_) out.connections += worker->counters().activeCaptured.get();
  const std::uint64_t all = active();
  out.explicitConnections = all > out.connections ? all - out.connections : 0;
  out.ports.assign(addresses_.begin(), addresses_.begin() + std::min(addresses_.size(), wire::kMostPorts));
  return out;
}

std::uint64_t Server::oldConnections(std::uint64_t generation) {
  std::uint64_t sum = 0;
  for (const std::size_t count :
       askWorkers<std::size_t>([generation](Worker&worker, const std::function<void(std::size_t)>&then) {
         worker.inspect([then, generation](const LiveConnections& live) { then(live.countOther(generation)); });
       })) {
    sum += count;
  }
  return sum;
}

std::vector<SocketAddress> Server::takeMissed() {
  using List = std::vector<SocketAddress>;
  std::vector<SocketAddress> all;
  for (const List& list :
       askWorkers<List>([](Worker&worker, const std::function<void(List)>&then) { worker.takeMissed(then); })) {
    all.insert(all.end(), list.begin(), list.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::vector<const Counters*> Server::counters() const {
  std::vector<const Counters*> all;
  for (const auto& worker : workers_) all.push_back(&worker->counters());
  return all;
}

}  // namespace loam::server
