#include "proxy/server/worker.h"

#include <pthread.h>

#include <string>

namespace loam::server {

Worker::Worker(unsigned index, std::unique_ptr<io::EventLoop> loop, std::unique_ptr<relay::TapFactory> taps,
               HeartbeatPage& heartbeats, std::vector<SocketAddress> ownListeners,
               std::function<void(const SocketAddress&, std::function<void()>)> onBypass)
    : index_(index),
      loop_(std::move(loop)),
      taps_(std::move(taps)),
      heartbeats_(heartbeats),
      loopGuard_(std::move(ownListeners)),
      context_{.loop = *loop_,
               .resources = *resources_,
               .taps = *taps_,
               .counters = counters_,
               .live = live_,
               .loopGuard = loopGuard_,
               .terms = {},
               .services = services_.get(),
               .missed = {},
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
    accepting_.cancelAll();
    chores_.cancelAll();
    connections_.cancelAll();
    listeners_.clear();
    taps_->flush(loop_->now());
  });
}

void Worker::setTerms(DialTerms terms) {
  loop_->post([this, terms] { context_.terms = terms; });
}

void Worker::install(std::shared_ptr<const ServiceTable> services, std::function<void()> done) {
  loop_->post([this, services = std::move(services), done = std::move(done)] {
    services_ = services;
    context_.services = services_.get();
    done();
  });
}

void Worker::takeMissed(std::function<void(std::vector<SocketAddress>)> then) {
  loop_->post([this, then = std::move(then)] { then(context_.missed.take()); });
}

void Worker::listen(Descriptor fd, Entry entry) {
  loop_->post([this, shared = std::make_shared<Descriptor>(std::move(fd)), entry] {
    if (auto listener = io::Listener::adopt(*loop_, std::move(*shared))) add(*std::move(listener), entry);
  });
}

void Worker::listen(std::unique_ptr<io::Listener> listener, Entry entry) {
  loop_->post([this, shared = std::make_shared<std::unique_ptr<io::Listener>>(std::move(listener)), entry] {
    add(std::move(*shared), entry);
  });
}

void Worker::add(std::unique_ptr<io::Listener> listener, Entry entry) {
  listeners_.push_back(std::move(listener));
  accepting_.spawn(acceptFrom(*listeners_.back(), entry));
}

io::Task<void> Worker::acceptFrom(io::Listener& listener, Entry entry) {
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) co_return;  // the socket itself is gone
    connections_.spawn(carry(context_, *std::move(accepted), entry));
  }
}

io::Task<void> Worker::beat() {
  Monotonic flushed = loop_->now();
  for (;;) {
    heartbeats_.beat(index_);
    loopGuard_.refreshAddresses(loop_->now());
    countExhausted();
    if (loop_->now() - flushed >= seconds(1)) {
      flushed = loop_->now();
      taps_->flush(flushed);
    }
    co_await loop_->sleepFor(HeartbeatPage::kEvery);
  }
}

void Worker::countExhausted() {
  std::uint64_t total = exhaustedBefore_;
  for (const auto& listener : listeners_) total += listener->exhausted();
  counters_.acceptExhausted.add(total - counters_.acceptExhausted.get());
}

void Worker::stopAccepting(milliseconds grace) {
  loop_->post([this, grace] { chores_.spawn(letGo(grace)); });
}

io::Task<void> Worker::letGo(milliseconds grace) {
  co_await loop_->sleepFor(grace);
  accepting_.cancelAll();
  for (const auto& listener : listeners_) exhaustedBefore_ += listener->exhausted();
  listeners_.clear();
  accepts_.store(false, std::memory_order_relaxed);
}

void Worker::inspect(std::function<void(const LiveConnections&)> then) {
  loop_->post([this, then = std::move(then)] { then(live_); });
}

}  // namespace loam::server
