#include "proxy/server/service_ways.h"

#include <algorithm>

#include "proxy/server/carrying.h"

namespace loam::server {

namespace {

/// Under what a connection is kept. What one handshake decided holds for this snapshot alone.
upstream::PoolKey keyOf(const WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service) {
  const bool mayBeSecured = service.mtls.stage(facts.destination.port) != filters::MtlsStage::Off;
  return {facts.destination, facts.client.ip,
          mayBeSecured ? std::to_string(context.services->generation()) : std::string()};
}

}  // namespace

ServerChoice serverChoiceOf(const WorkerContext& context, const relay::ConnectionFacts& facts, const Service& service) {
  if (isBeside(context, facts)) return ServerChoice::Clients;
  const bool isBalanced = service.exchanges.balanced && service.clusters != nullptr &&
                          service.exchanges.balanced->share.has(facts) && service.clusters->at(facts.destination.port);
  if (isBalanced) return ServerChoice::Exchanges;
  const bool mayBeLater = service.exchanges.callerRepeats || service.exchanges.connect;
  return mayBeLater ? ServerChoice::ClientsOrLater : ServerChoice::Clients;
}

serve::Way ServiceWays::now() {
  const Service& service = serviceFor(context_, facts_.destination);
  const filter::HttpFilters& filters =
      isBeside(context_, facts_) ? service.exchanges.atCallee : service.exchanges.atCaller;
  if (filters.empty()) return {};
  return {&filters, viewOf(context_, facts_, service, identity_), context_.services};
}

io::Task<Result<std::unique_ptr<serve::Connection>>> ServiceWays::dial(std::optional<SocketAddress> server, bool fresh,
                                                                       Monotonic deadline) {
  const Monotonic began = context_.loop.clock().now();
  relay::ConnectionFacts to = facts_;
  if (server) to.destination = *server;
  const Service& service = serviceFor(context_, to.destination);
  upstream::PoolKey key = keyOf(context_, to, service);
  std::unique_ptr<DialledServer> dialled;
  if (server && !fresh) dialled = context_.idle.take(key, began);
  if (!dialled) {
    if (server && !mayDial(context_, facts_.client.ip, *server)) {
      co_return fail(ErrorCode::Denied, "it would come back to this proxy", ErrorOrigin::Local);
    }
    auto upstream = co_await dialUpstream(context_, to, service, deadline);
    if (!upstream) co_return fail(std::move(upstream).error());
    dialled = std::make_unique<DialledServer>(*std::move(upstream), std::move(key), began);
  }
  dialled->join(live_);
  if (!isConnected_) {
    isConnected_ = true;
    const Upstream& way = dialled->way();
    context_.counters.security(way.security).add();
    tap_.onConnected({context_.loop.clock().now() - began, way.security, way.identity});
  }
  co_return std::move(dialled);
}

void ServiceWays::keep(std::unique_ptr<serve::Connection> connection) {
  std::unique_ptr<DialledServer> dialled(static_cast<DialledServer*>(connection.release()));  // dial() made it
  dialled->leave();
  dialled->markUsed();
  context_.loopGuard.answered(dialled->key().endpoint);
  const Service& service = serviceFor(context_, dialled->key().endpoint);
  const upstream::Cluster* cluster =
      service.clusters == nullptr ? nullptr : service.clusters->at(dialled->key().endpoint.port);
  if (cluster == nullptr) return;
  const upstream::PoolKey key = dialled->key();
  context_.idle.give(key, std::move(dialled), cluster->terms().pool, context_.loop.now());
}

}  // namespace loam::server
