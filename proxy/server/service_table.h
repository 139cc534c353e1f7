#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/filter/connection_filter.h"
#include "proxy/filters/connection_counts.h"
#include "proxy/filters/connection_share.h"
#include "proxy/filters/mtls_gate.h"
#include "proxy/filters/serve.h"
#include "proxy/guard/closed_endpoint.h"
#include "proxy/relay/tap.h"
#include "proxy/server/exchange_filters.h"
#include "proxy/wire/snapshot.h"

namespace loam::server {

/// Which connections are served instead of relayed, and which are read along, by the `serve` flag.
class ServeGate {
 public:
  enum class Stage : std::uint8_t {
    Simulate,  ///< all are relayed, and read along as if they were served
    On,        ///< those of the share are served; the others are as at Simulate
  };
  using Settings = std::shared_ptr<const filters::ServeSettings>;

  /// None.
  ServeGate() = default;
  ServeGate(Stage stage, filters::ConnectionShare share, filters::ServeSettings settings);

  /// What it is served by, for as long as it lives; null: it is relayed.
  Settings settingsFor(const relay::ConnectionFacts& facts) const;
  /// What it is read along by; null: nobody does.
  Settings simulatedFor(const relay::ConnectionFacts& facts) const;

 private:
  bool serves(const relay::ConnectionFacts& facts) const { return stage_ == Stage::On && share_.has(facts); }

  Stage stage_ = Stage::Simulate;
  filters::ConnectionShare share_;
  Settings settings_;
};

/// Whether a connection is looked at, by the `observe` flag of the service that it goes to.
class ObserveGate {
 public:
  /// Everybody is: the stage that every service begins with.
  ObserveGate() = default;
  explicit ObserveGate(const wire::FeatureConfig& config);

  bool admits(const relay::ConnectionFacts& facts) const;

 private:
  enum class Stage : std::uint8_t { Off, Sampled, On };
  Stage stage_ = Stage::On;
  filters::ConnectionShare share_;
};

/// What a worker has to know of one service of its snapshot.
struct Service {
  std::string name;
  bool captured = true;
  std::string pin;  ///< the protocol that it is known to speak; empty: not known
  ObserveGate observe{};
  filters::MtlsGate mtls{};
  ServeGate serve{};
  ExchangeFilters exchanges{};
  std::shared_ptr<const filters::ServiceClusters> clusters{};  ///< null: nobody chooses among its endpoints
  std::string rules{};  ///< what `admission` is made of; empty: nothing that live connections would be judged by again
  /// Asked in this order before a connection to it is dialled.
  std::vector<std::unique_ptr<const filter::ConnectionFilter>> admission{};
  std::unordered_map<IpAddress, std::string> callers{};  ///< by the address that they call from
  std::vector<std::string> proxies{};  ///< that may answer beside its endpoints, sorted; empty: any of the mesh

  /// The service that calls from there, believed; empty where nobody or more than one is known to.
  std::string_view callerAt(const IpAddress& client) const;
};

/// A snapshot in the form that workers ask: immutable, shared by all of them, dropped with the last one that used it.
class ServiceTable {
 public:
  /// The stages that this program can carry out, and that it can be drained, sorted: what it says of itself when it
  /// asks for a snapshot.
  static std::vector<std::string> capabilities();

  /// Before there is a snapshot: no services, generation 0.
  ServiceTable() = default;
  /// Unsupported lists what this program cannot carry out: stages it does not know are never taken for others.
  /// InvalidArgument names settings that it cannot read.
  /// `ledger` counts what its services cap: the same for all tables of a proxy.
  static Result<ServiceTable> make(const wire::Snapshot& snapshot, filters::ServiceLedger& ledger);
  /// The same with a ledger of its own: whether it can be made.
  static Result<ServiceTable> make(const wire::Snapshot& snapshot);

  /// Null for a destination that the snapshot does not know.
  const Service* find(const SocketAddress& destination) const;
  /// The same, but only by an endpoint that it names with its port.
  const Service* findExactly(const SocketAddress& destination) const;
  /// For those: what flags of every service say.
  const Service& otherwise() const { return otherwise_; }
  std::uint64_t generation() const { return generation_; }
  /// Service::rules of those that have some, by name.
  const std::map<std::string, std::string>& rules() const { return rules_; }
  std::size_t size() const { return services_.size(); }
  /// Where no connection is to be captured, sorted; with their ports.
  const std::vector<SocketAddress>& notCaptured() const { return notCaptured_; }
  /// What plaintext must not reach past the proxy, of a host that has these addresses: endpoints of services that are
  /// strict, for everybody or for some callers.
  std::vector<guard::ClosedEndpoint> closed(const std::unordered_set<IpAddress>& host) const;
  /// Some filter wants to be asked about exchanges that it does not act on.
  bool simulates() const { return simulates_; }
  /// Some service asks for mutual TLS, or for looking whether it could be: this proxy is there for others.
  bool meetsPeers() const { return meetsPeers_; }
  /// Nothing at all is to be captured: this proxy is out of the way of new connections.
  bool drained() const { return drained_; }

 private:
  std::uint64_t generation_ = 0;
  bool drained_ = false;
  bool meetsPeers_ = false;
  bool simulates_ = false;
  std::vector<Service> services_;
  Service otherwise_;
  std::unordered_map<SocketAddress, std::size_t> byAddress_;
  std::vector<SocketAddress> notCaptured_;
  std::map<std::string, std::string> rules_;
};

}  // namespace loam::server
