#include "proxy/filters/cluster_filter.h"

#include <string>
#include <utility>

#include "proxy/filters/cluster_terms.h"

namespace loam::filters {

namespace {

using filter::OwnAnswer;
using filter::Response;
using upstream::Failure;

OwnAnswer unavailable(std::string cause, std::string_view why) {
  return {.status = 503, .cause = std::move(cause), .body = std::string(why)};
}

}  // namespace

void noteOutcome(filter::Exchange& exchange, const Result<Response>& came) {
  const Monotonic now = exchange.loop.now();
  if (came) {
    exchange.flight.answered(now, upstream::failureOf(came->status));
    return;
  }
  const Error& error = came.error();
  if (error.origin == ErrorOrigin::Downstream) return;  // the client left: that says nothing of the endpoint
  Failure failure = Failure::Reset;
  if (error.code == ErrorCode::Timeout) failure = Failure::Timeout;
  if (!exchange.sending.reached) failure = Failure::ConnectFailure;
  exchange.flight.failed(now, failure);
}

io::Task<Result<Response>> ClusterFilter::handle(filter::Exchange& exchange, filter::Next next) const {
  const upstream::Cluster* cluster = clusters_->at(exchange.connection.destination.port);
  // Where a route sent it elsewhere, nobody of this service is asked.
  if (cluster == nullptr || exchange.server) return next(exchange);
  return through(*cluster, exchange, next);
}

io::Task<Result<Response>> ClusterFilter::through(const upstream::Cluster& cluster, filter::Exchange& exchange,
                                                  filter::Next next) const {
  exchange.place.free();
  auto room = cluster.caps().take(upstream::Cap::Requests);
  if (!room) {
    exchange.tally.capped.add();
    co_return Response::of(
        unavailable("circuit_breaking:requests", "as much as may be is under way with this service\n"));
  }
  exchange.place = *std::move(room);
  auto place = placeFor(cluster, exchange);
  if (!place) {
    exchange.tally.withoutEndpoint.add();
    co_return Response::of(std::move(place).error());
  }
  if (!*place) co_return co_await next(exchange);
  const bool isChosen = balances(exchange);
  if (isChosen) exchange.server = cluster.all().endpoint(**place).address;
  exchange.flight = cluster.all().begin(**place, exchange.loop.now());
  auto came = co_await next(exchange);
  noteOutcome(exchange, came);
  if (isChosen) {
    exchange.server.reset();
    exchange.tried.push_back(**place);
  }
  co_return std::move(came);
}

bool ClusterFilter::balances(const filter::Exchange& exchange) const {
  return balancing_ && balancing_->share.has(exchange.connection.client, exchange.connection.destination);
}

tl::expected<std::optional<std::size_t>, OwnAnswer> ClusterFilter::placeFor(const upstream::Cluster& cluster,
                                                                            const filter::Exchange& exchange) const {
  const Monotonic now = exchange.loop.now();
  const upstream::Balancer& all = cluster.all();
  if (balances(exchange)) {
    upstream::Dice dice((std::uint64_t{exchange.dice} << 8) + exchange.tried.size());
    const auto key = balancing_->hash ? pickKey(*balancing_->hash, exchange.view) : upstream::PickKey();
    const auto picked = all.pick(key, dice, now, exchange.tried);
    if (picked) return picked;
    return tl::unexpected(unavailable("balancing:no_endpoint", "no endpoint of this service is fit to be asked\n"));
  }
  const auto wanted = all.placeOf(exchange.connection.destination);
  if (!wanted || all.isAvailable(*wanted, now)) return wanted;
  return tl::unexpected(
      unavailable("circuit_breaking:ejected", "this endpoint failed too often to be asked just now\n"));
}

}  // namespace loam::filters
