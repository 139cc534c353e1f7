#include "rollout/notify/webhooks.h"

#include <utility>

#include "proxy/io/signal.h"
#include "rollout/notify/http_transport.h"
#include "rollout/notify/retry.h"

namespace loam::notify {

Result<std::unique_ptr<Webhooks>> Webhooks::make(std::vector<HookSettings> hooks, Dispatch::Settings settings,
                                                 const audit::Ledger& ledger, std::function<std::uint64_t()> random,
                                                 const Clock& clock, Log& log) {
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  std::unique_ptr<Webhooks> made(new Webhooks(*std::move(loop)));
  Dispatch::Transports transports;
  for (HookSettings& hook : hooks) {
    auto transport = HttpTransport::make(*made->loop_, hook, clock);
    if (!transport) {
      Error error = std::move(transport).error();
      error.context.insert(0, "webhook " + hook.name + ": ");
      return fail(std::move(error));
    }
    transports.emplace_back(std::move(hook), *std::move(transport));
  }
  made->dispatch_ = std::make_unique<Dispatch>(*made->loop_, std::move(settings), std::move(transports), ledger,
                                               std::move(random), clock, log);
  LOAM_TRY(made->dispatch_->open());
  return made;
}

Webhooks::~Webhooks() {
  if (thread_.joinable()) {
    loop_->stop();
    thread_.join();
    dispatch_->keep();
  }
  testing_.cancelAll();
}

void Webhooks::start() {
  thread_ = std::thread([this] {
    dispatch_->begin();
    loop_->run();
  });
}

void Webhooks::ledgerMoved() {
  if (moved_.exchange(true)) return;
  loop_->post([this] {
    moved_ = false;  // before it looks: what comes later is said again
    dispatch_->ledgerMoved();
  });
}

void Webhooks::seen(std::vector<Reading> readings) {
  loop_->post([this, readings = std::move(readings)] { dispatch_->seen(readings); });
}

void Webhooks::reload() {
  loop_->post([this] { dispatch_->reload(); });
}

std::vector<HookStanding> Webhooks::standing() const {
  std::vector<HookStanding> all;
  for (const auto& hook : dispatch_->hooks()) all.push_back(hook->standing());
  return all;
}

io::Task<void> Webhooks::tryOut(std::string name, std::shared_ptr<Attempt> into, std::function<void()> done) {
  Attempt attempt = co_await dispatch_->test(std::move(name));
  *into = std::move(attempt);
  done();
}

io::Task<Attempt> Webhooks::test(io::EventLoop& from, std::string name) {
  const auto into = std::make_shared<Attempt>();
  io::Signal ended(from);
  loop_->post([this, name, into, done = ended.raiser()] { testing_.spawn(tryOut(name, into, done)); });
  const bool told = co_await ended.until(from.now() + kAttempt + seconds(2));
  if (told) co_return *into;
  Attempt late;  // into is still the other thread's
  late.error = "the thread that sends is busy: " + name + " was not tried in time";
  co_return late;
}

}  // namespace loam::notify
