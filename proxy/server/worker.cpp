#include "proxy/server/worker.h"

#include <pthread.h>

#include <algorithm>
#include <string>
#include <utility>

#include "proxy/server/carrying.h"
#include "proxy/server/review.h"
#include "proxy/server/simulation.h"

namespace loam::server {

Worker::Worker(unsigned index, std::unique_ptr<io::EventLoop> loop, std::unique_ptr<relay::TapFactory> taps,
               HeartbeatPage& heartbeats, std::vector<SocketAddress> ownListeners, PeerAccess peers,
               std::unique_ptr<filter::VerdictSink> verdicts,
               std::function<void(const SocketAddress&, std::function<void()>)> onBypass)
    : index_(index),
      loop_(std::move(loop)),
      taps_(std::move(taps)),
      heartbeats_(heartbeats),
      loopGuard_(std::move(ownListeners)),
      peerAccess_(std::move(peers)),
      peerIdentity_(peerAccess_.identity, loop_->clock()),
      peers_(*loop_, peerAccess_.port, peerIdentity_),
      verdicts_(verdicts ? std::move(verdicts) : std::make_unique<filter::NoVerdicts>()),
      serving_{.relay = *resources_, .counters = counters_.serving, .tally = counters_.tally, .verdicts = *verdicts_},
      context_{.loop = *loop_,
               .resources = *resources_,
               .serving = serving_,
               .taps = *taps_,
               .counters = counters_,
               .live = live_,
               .loopGuard = loopGuard_,
               .identity = peerIdentity_,
               .peers = peers_,
               .verdicts = *verdicts_,
               .terms = {},
               .services = services_,
               .missed = {},
               .idle = idle_,
               .onBypass = std::move(onBypass)} {}

Worker::~Worker() { stop(); }

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

void Worker::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), ("worker-" + std::to_string(index_)).c_str());
    chores_.spawn(beat());
    loop_->run();
    entrances_.clear();
    chores_.cancelAll();
    connections_.cancelAll();
    idle_.clear();
    taps_->flush(loop_->now());
  });
}

void Worker::setTerms(DialTerms terms) {
  loop_->post([this, terms] { context_.terms = terms; });
}

void Worker::install(std::shared_ptr<const ServiceTable> services, std::function<void()> done) {
  loop_->post([this, services = std::move(services), done = std::move(done)] {
    const std::shared_ptr<const ServiceTable> before = std::exchange(services_, services);
    context_.services = services_;
    peers_.onSnapshot();
    review(live_, *before, *services_, loop_->now(),
           [this](const LiveConnection& live, const Service& service, std::string_view identity) {
             return viewOf(context_, live.facts(), service, identity);
           });
    if (before->simulates() || services_->simulates())
      live_.visitSimulations([](Simulation& simulation) { simulation.onSnapshot(); });
    closeDenied();
    tendPeerPort();
    done();
  });
}

void Worker::takeMissed(std::function<void(std::vector<SocketAddress>)> then) {
  loop_->post([this, then = std::move(then)] { then(context_.missed.take()); });
}

void Worker::listen(Descriptor fd, Entry entry) {
  loop_->post([this, shared = std::make_shared<Descriptor>(std::move(fd)), entry] {
    if (auto listener = io::Listener::adopt(*loop_, std::move(*shared))) add(*std::move(listener), entry, true);
  });
}

void Worker::listen(std::unique_ptr<io::Listener> listener, Entry entry) {
  loop_->post([this, shared = std::make_shared<std::unique_ptr<io::Listener>>(std::move(listener)), entry] {
    add(std::move(*shared), entry, false);
  });
}

void Worker::add(std::unique_ptr<io::Listener> listener, Entry entry, bool ofGuard) {
  entrances_.push_back(std::make_unique<Entrance>());
  Entrance& entrance = *entrances_.back();
  entrance.listener = std::move(listener);
  entrance.ofGuard = ofGuard;
  entrance.accepting.spawn(acceptFrom(*entrance.listener, entry));
}

io::Task<void> Worker::acceptFrom(io::Listener& listener, Entry entry) {
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) co_return;  // the socket itself is gone
    if (entry.forProxies) {
      connections_.spawn(carryFromPeer(context_, *std::move(accepted)));
    } else {
      connections_.spawn(carry(context_, *std::move(accepted), entry));
    }
  }
}

io::Task<void> Worker::beat() {
  Monotonic flushed = loop_->now();
  for (;;) {
    heartbeats_.beat(index_);
    loopGuard_.refreshAddresses(loop_->now());
    countExhausted();
    closeDenied();
    if (loop_->now() - flushed >= seconds(1)) {
      flushed = loop_->now();
      taps_->flush(flushed);
      idle_.sweep(flushed);
      tendPeerPort();
      cutDenied();
    }
    co_await loop_->sleepFor(HeartbeatPage::kEvery);
  }
}

void Worker::tendPeerPort() {
  const bool isSomebody = peerIdentity_.asServer() != nullptr;  // looks at the identity in force, whatever is wanted
  const bool wanted = isSomebody && accepts_ && services_->meetsPeers();
  const auto open = std::find_if(entrances_.begin(), entrances_.end(), [](const auto& one) { return one->forProxies; });
  if (wanted == (open != entrances_.end())) return;
  if (!wanted) {
    exhaustedBefore_ += (*open)->listener->exhausted();
    entrances_.erase(open);
    return;
  }
  auto listener = io::Listener::bind(*loop_, {IpAddress(), peerAccess_.port}, true);
  if (!listener) {  // a host without IPv6, as it seems
    listener = io::Listener::bind(*loop_, {IpAddress::v4({}), peerAccess_.port}, true);
  }
  if (!listener) return peerAccess_.onPortFailed(listener.error());
  add(*std::move(listener), Entry{.vantage = relay::Vantage::Inbound, .to = {}, .forProxies = true}, false);
  entrances_.back()->forProxies = true;
}

void Worker::cutDenied() {
  if (judged_ == peerIdentity_.version()) return;
  judged_ = peerIdentity_.version();
  live_.visitSecured([this](tls::Stream& stream) {
    const io::Identity peer = stream.peerIdentity();
    if (!peerIdentity_.believes(peer.id, peer.serial)) stream.cut();
  });
}

void Worker::closeDenied() {
  closeDue(live_, loop_->now(), [this](const LiveConnection& live, const filter::Denial& denial) {
    counters_.closed.add();
    const Service* const service = services_->find(live.facts().destination);
    if (service == nullptr) return;
    const std::string feature = denial.feature + "_close";
    const std::string identity = live.peer();
    verdicts_->onDenied(viewOf(context_, live.facts(), *service, identity),
                        {.feature = feature, .rule = denial.rule, .enforced = true});
  });
}

void Worker::countExhausted() {
  std::uint64_t total = exhaustedBefore_;
  for (const auto& entrance : entrances_) total += entrance->listener->exhausted();
  counters_.acceptExhausted.add(total - counters_.acceptExhausted.get());
}

void Worker::stopAccepting(milliseconds grace) {
  loop_->post([this, grace] { chores_.spawn(letGo(grace)); });
}

io::Task<void> Worker::letGo(milliseconds grace) {
  co_await loop_->sleepFor(grace);
  close(std::exchange(entrances_, {}));
  accepts_.store(false, std::memory_order_relaxed);
}

void Worker::leaveCapture(milliseconds grace) {
  leaving_.fetch_add(1, std::memory_order_relaxed);
  loop_->post([this, grace] {
    ++departures_;
    for (const auto& entrance : entrances_) {
      if (entrance->ofGuard && entrance->departure == 0) entrance->departure = departures_;
    }
    chores_.spawn(letGo(grace, departures_));
  });
}

io::Task<void> Worker::letGo(milliseconds grace, std::uint64_t departure) {
  co_await loop_->sleepFor(grace);
  const auto leaving = std::stable_partition(entrances_.begin(), entrances_.end(), [departure](const auto& entrance) {
    return entrance->departure != departure;
  });
  std::vector<std::unique_ptr<Entrance>> left(std::make_move_iterator(leaving),
                                              std::make_move_iterator(entrances_.end()));
  entrances_.erase(leaving, entrances_.end());
  close(std::move(left));
  leaving_.fetch_sub(1, std::memory_order_release);  // who sees it sees what was taken before
}

void Worker::close(std::vector<std::unique_ptr<Entrance>> entrances) {
  for (const auto& entrance : entrances) exhaustedBefore_ += entrance->listener->exhausted();
}

void Worker::inspect(std::function<void(const LiveConnections&)> then) {
  loop_->post([this, then = std::move(then)] { then(live_); });
}

}  // namespace loam::server
