#include "proxy/server/simulation.h"

#include <algorithm>
#include <utility>

#include "proxy/filters/timeouts_filter.h"
#include "proxy/server/carrying.h"

namespace loam::server {

Simulation::Simulation(WorkerContext& context, LiveConnection& live, relay::Tap& tap, std::string_view identity,
                       bool isServed)
    : context_(context), live_(live), tap_(tap), identity_(identity), isServed_(isServed) {
  live_.simulatedBy(this);
  onSnapshot();
}

Simulation::~Simulation() {
  if (hears_) tap_.tellRequestsTo(nullptr);
  live_.simulatedBy(nullptr);
}

const Service& Simulation::service() const {
  const Service* const found = context_.services->find(live_.facts().destination);
  return found == nullptr ? context_.services->otherwise() : *found;
}

const std::vector<const filter::HttpFilter*>& Simulation::filters(const Service& service) const {
  const bool isCallee = isBeside(context_, live_.facts());
  const Simulated& asked = isCallee ? service.exchanges.ofCallee : service.exchanges.ofCaller;
  return isServed_ ? asked.served : asked.relayed;
}

void Simulation::onSnapshot() {
  const bool wanted = context_.services->simulates() && !filters(service()).empty();
  if (wanted == hears_) return;
  hears_ = wanted;
  if (!wanted) std::vector<Open>().swap(open_);
  tap_.tellRequestsTo(wanted ? this : nullptr);
}

void Simulation::onMoved(relay::Direction direction, Monotonic now) {
  for (Open& one : open_) one.silence = std::max(one.silence, now - std::max(moved_, one.began));
  moved_ = now;
  if (direction == relay::Direction::Downstream || open_.empty()) return;
  Open& last = open_.back();  // what a client sends belongs to its last request, until it begins another
  last.sentBefore = std::exchange(last.sent, now);
}

void Simulation::onRequestHead(const filter::ExchangeView& view, Monotonic now) {
  if (!open_.empty() && open_.back().sent == now) open_.back().sent = open_.back().sentBefore;
  const Service& service = this->service();
  filter::Exchange exchange{context_.loop, context_.verdicts, context_.counters.tally};
  exchange.connection = viewOf(context_, live_.facts(), service, identity_);
  exchange.view = view;
  exchange.view.client = exchange.connection.client;
  exchange.view.destination = exchange.connection.destination;
  exchange.view.identity = identity_;
  exchange.began = now;
  exchange.dice = static_cast<std::uint32_t>(context_.serving.dice());
  for (const filter::HttpFilter* const filter : filters(service)) {
    if (!filter->simulate(exchange)) return;
  }
  if (!exchange.bounds.any()) return;
  std::erase_if(open_, [&](const Open& one) { return one.number == view.number; });
  if (open_.size() == kMostOpen) open_.erase(open_.begin());
  open_.push_back({.number = view.number,
                   .bounds = exchange.bounds,
                   .began = now,
                   .sent = now,
                   .sentBefore = now,
                   .keeps = context_.services});
}

void Simulation::onExchange(std::uint32_t number, Monotonic answered, Monotonic ended) {
  const auto found =
      std::find_if(open_.begin(), open_.end(), [number](const Open& one) { return one.number == number; });
  if (found == open_.end()) return;
  const Open one = std::move(*found);
  open_.erase(found);
  const filters::ExchangeTimes times{.ended = ended,
                                     .waited = answered - one.sent,
                                     .silence = std::max(one.silence, ended - std::max(moved_, one.began))};
  if (!filters::isOver(one.bounds, times)) return;
  const filter::ConnectionView view = viewOf(context_, live_.facts(), service(), identity_);
  context_.verdicts.onDenied(view, {.feature = filters::kTimeoutsFeature, .rule = one.bounds.rule, .enforced = false});
}

}  // namespace loam::server
