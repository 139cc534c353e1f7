#pragma once

#include <json/value.h>

#include <memory>
#include <string>
#include <string_view>

#include "proxy/filter/http_filter.h"
#include "proxy/filters/exchange_share.h"
#include "proxy/filters/routing.h"
#include "proxy/filters/service_clusters.h"

namespace loam::filters {

/// The rule that an exchange goes by: the first that fits; null: none. Pure.
const RoutingRule* decide(const filter::Exchange& exchange, const RoutingSettings& settings);

/// The override that an exchange carries and that holds at `now`; null: none. Pure.
const DeveloperOverride* overrideFor(const filter::Exchange& exchange, const RoutingSettings& settings, Wall now);

/// Where exchanges for a service go, at its callers' side: to a developer's copy that they ask for by name, else by the
/// first rule that fits to one of its destinations, drawn by weight. What is for the service itself goes as if there
/// were no routing.
class RoutingFilter final : public filter::HttpFilter {
 public:
  /// So long a developer's copy is dialled before the exchange goes the usual way: with one repeat in less than a
  /// second.
  static constexpr milliseconds kPatience{300};

  /// As a snapshot says it, with the endpoints of the services that it names. InvalidArgument names what cannot be
  /// read.
  static Result<std::unique_ptr<const RoutingFilter>> make(ExchangeShare share, const Json::Value& settings,
                                                           std::string service, const ClusterMap& clusters);

  RoutingFilter(RoutingSettings settings, ExchangeShare share, std::string service, ClusterMap clusters)
      : settings_(std::move(settings)),
        share_(std::move(share)),
        service_(std::move(service)),
        clusters_(std::move(clusters)) {}

  io::Task<Result<filter::Response>> handle(filter::Exchange& exchange, filter::Next next) const override;

 private:
  io::Task<Result<filter::Response>> toDeveloper(filter::Exchange& exchange, filter::Next next,
                                                 const DeveloperOverride& copy) const;
  io::Task<Result<filter::Response>> toOther(filter::Exchange& exchange, filter::Next next,
                                             const std::string& service) const;
  /// What share and weights go by: the sticky key where there is one, else as for every share of exchanges. A cookie
  /// of ours that is not there yet is made, and given to the client.
  std::string unitOf(filter::Exchange& exchange) const;

  const RoutingSettings settings_;
  const ExchangeShare share_;
  const std::string service_;
  const ClusterMap clusters_;
};

}  // namespace loam::filters
