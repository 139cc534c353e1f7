#include <algorithm>
#include <utility>

#include "proxy/serve/limits.h"
#include "proxy/server/carrying.h"
#include "proxy/server/service_ways.h"
#include "proxy/server/upstream.h"

namespace loam::server {

namespace {

constexpr std::size_t kMostTried = 3;

io::Task<Result<Upstream>> nobodyYet() { co_return fail(ErrorCode::Closed, "its exchanges choose whom they go to"); }

io::Task<Result<Upstream>> dialChosen(WorkerContext& context, relay::ConnectionFacts facts, const Service& service,
                                      std::unique_ptr<upstream::InFlight>& flight) {
  const auto clusters = service.clusters;
  const upstream::Balancer& all = clusters->at(facts.destination.port)->all();
  const auto& hash = service.exchanges.balanced->hash;
  const bool isHashed = hash && hash->by == filters::HashKey::By::Source;
  const auto key = isHashed ? upstream::PickKey::of(facts.client.ip.text()) : upstream::PickKey();
  // From the first dial on another snapshot may be in force: nothing of this service is looked at any more.
  upstream::Dice dice(context.serving.dice());
  std::vector<std::size_t> tried;
  for (;;) {
    const Monotonic began = context.loop.clock().now();
    const auto place = all.pick(key, dice, began, tried);
    if (!place) co_return fail(ErrorCode::Unreachable, "no endpoint of the service is fit to be asked");
    facts.destination = all.endpoint(*place).address;
    flight = std::make_unique<upstream::InFlight>(all.begin(*place, began));
    tried.push_back(*place);
    auto upstream =
        co_await dialUpstream(context, facts, serviceFor(context, facts.destination), began + serve::kDialPatience);
    const Monotonic now = context.loop.clock().now();
    if (upstream) flight->answered(now);
    if (upstream || upstream.error().code == ErrorCode::Denied) co_return std::move(upstream);
    flight->failed(now, upstream::Failure::ConnectFailure);
    if (tried.size() == std::min(kMostTried, all.members().size())) co_return std::move(upstream);
  }
}

}  // namespace

io::Task<Result<Upstream>> dialFirst(WorkerContext& context, const relay::ConnectionFacts& facts,
                                     const Service& service, bool isServed,
                                     std::unique_ptr<upstream::InFlight>& flight) {
  const ServerChoice choice = serverChoiceOf(context, facts, service);
  if (choice == ServerChoice::Exchanges) return isServed ? nobodyYet() : dialChosen(context, facts, service, flight);
  if (choice == ServerChoice::Clients || !isServed) return dialUpstream(context, facts, service);
  const milliseconds patience = service.exchanges.connect.value_or(serve::kDialPatience);
  return dialUpstream(context, facts, service, context.loop.clock().now() + patience);
}

}  // namespace loam::server
