#include "proxy/filters/routing_filter.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <utility>

#include "proxy/base/stable_hash.h"
#include "proxy/filters/cluster_filter.h"
#include "proxy/filters/exchange_match.h"
#include "proxy/filters/settings.h"
#include "proxy/http/http1_head.h"
#include "proxy/http/path_form.h"

namespace loam::filters {

namespace {

using filter::Response;

/// Drawn by weight with what is left of the unit's hash; some weight is above 0.
const Destination& drawn(const RoutingRule& rule, std::string_view salt, std::string_view unit) {
  const auto sum = std::accumulate(rule.to.begin(), rule.to.end(), std::uint64_t{0},
                                   [](std::uint64_t so, const Destination& one) { return so + one.weight; });
  const std::string name = std::string(salt).append("/").append(rule.name);
  std::uint64_t point = bucketOf(name, unit) * sum / ExchangeShare::kWhole;
  for (const Destination& one : rule.to) {
    if (point < one.weight) return one;
    point -= one.weight;
  }
  return rule.to.back();
}

std::string madeUp(const filter::Exchange& exchange) {
  const auto ticks = static_cast<std::uint64_t>(exchange.loop.clock().wall().time_since_epoch().count());
  upstream::Dice dice(ticks ^ (std::uint64_t{exchange.dice} << 32));
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(dice.next()));
  return text.data();
}

}  // namespace

const RoutingRule* decide(const filter::Exchange& exchange, const RoutingSettings& settings) {
  const auto rule = std::find_if(settings.rules.begin(), settings.rules.end(),
                                 [&](const RoutingRule& one) { return fits(one.match, exchange); });
  return rule == settings.rules.end() ? nullptr : &*rule;
}

const DeveloperOverride* overrideFor(const filter::Exchange& exchange, const RoutingSettings& settings, Wall now) {
  for (const DeveloperOverride& one : settings.overrides) {
    if (http::find(exchange.view.headers, one.header) == one.value && unixSeconds(now) < one.expires) return &one;
  }
  return nullptr;
}

Result<std::unique_ptr<const RoutingFilter>> RoutingFilter::make(ExchangeShare share, const Json::Value& settings,
                                                                 std::string service, const ClusterMap& clusters) {
  std::vector<FieldProblem> problems;
  auto typed = filters::read<RoutingSettings>(settings, problems, Purpose::Keep);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  ClusterMap named;
  for (const RoutingRule& rule : typed.rules) {
    for (const Destination& to : rule.to) {
      const auto found = clusters.find(to.service);
      if (found != clusters.end()) named.insert(*found);
    }
  }
  return std::make_unique<const RoutingFilter>(std::move(typed), std::move(share), std::move(service),
                                               std::move(named));
}

io::Task<Result<Response>> RoutingFilter::handle(filter::Exchange& exchange, filter::Next next) const {
  if (const DeveloperOverride* copy = overrideFor(exchange, settings_, exchange.loop.clock().wall())) {
    return toDeveloper(exchange, next, *copy);
  }
  const RoutingRule* rule = decide(exchange, settings_);
  if (rule == nullptr) return next(exchange);
  const std::string unit = unitOf(exchange);
  if (!share_.hasUnit(unit)) return next(exchange);
  const Destination& to = drawn(*rule, share_.salt, unit);
  if (to.service.empty() || to.service == service_) return next(exchange);
  return toOther(exchange, next, to.service);
}

io::Task<Result<Response>> RoutingFilter::toDeveloper(filter::Exchange& exchange, filter::Next next,
                                                      const DeveloperOverride& copy) const {
  exchange.server = *SocketAddress::parse(copy.address);
  exchange.bounds.connectWithin(kPatience);
  exchange.tally.overridden.add();
  auto came = co_await next(exchange);
  exchange.server.reset();
  exchange.bounds.connect.reset();
  const bool isGone = !came && !exchange.sending.reached && exchange.sending.repeatable;
  if (!isGone || came.error().origin == ErrorOrigin::Downstream) co_return std::move(came);
  exchange.tally.overriddenInVain.add();
  co_return co_await next(exchange);
}

io::Task<Result<Response>> RoutingFilter::toOther(filter::Exchange& exchange, filter::Next next,
                                                  const std::string& service) const {
  const auto clusters = clusters_.find(service);
  const upstream::Cluster* cluster =
      clusters == clusters_.end() ? nullptr : clusters->second->nearest(exchange.connection.destination.port);
  upstream::Dice dice(exchange.dice);
  const auto place = cluster == nullptr
                         ? std::nullopt
                         : cluster->all().pick(upstream::PickKey(), dice, exchange.loop.now(), exchange.tried);
  if (!place) {
    exchange.tally.withoutEndpoint.add();
    co_return Response::of({.status = 503,
                            .cause = "routing:no_endpoint",
                            .body = "no endpoint of the service that this goes to is known or fit to be asked\n"});
  }
  exchange.tally.routed.add();
  exchange.server = cluster->all().endpoint(*place).address;
  exchange.flight = cluster->all().begin(*place, exchange.loop.now());
  auto came = co_await next(exchange);
  noteOutcome(exchange, came);
  co_return std::move(came);
}

std::string RoutingFilter::unitOf(filter::Exchange& exchange) const {
  const auto otherwise = [&] { return std::string(filters::unitOf(exchange)); };
  if (!settings_.sticky) return otherwise();
  const StickyKey& sticky = *settings_.sticky;
  std::string_view value;
  switch (sticky.by) {
    case StickyKey::By::Source:
      return exchange.connection.client.ip.text();
    case StickyKey::By::Header:
      value = http::find(exchange.view.headers, sticky.name);
      break;
    case StickyKey::By::Query:
      value = parameterOf(http::partsOf(exchange.view.path).query, sticky.name);
      break;
    case StickyKey::By::Cookie:
      value = cookieOf(exchange.view, sticky.name);
      break;
  }
  if (!value.empty()) return std::string(value);
  if (!sticky.life) return otherwise();
  std::string made = madeUp(exchange);
  const auto life = std::chrono::duration_cast<seconds>(*sticky.life).count();
  exchange.added.emplace_back("set-cookie", sticky.name + "=" + made + "; Max-Age=" + std::to_string(life) +
                                                "; Path=/; HttpOnly; SameSite=Lax");
  return made;
}

}  // namespace loam::filters
