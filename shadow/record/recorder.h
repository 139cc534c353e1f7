#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "shadow/graph/diff.h"
#include "shadow/graph/focus.h"
#include "shadow/graph/merge.h"
#include "shadow/graph/names.h"
#include "shadow/record/graph_store.h"
#include "shadow/record/limits.h"

namespace loam::record {

struct GraphQuery {
  graph::Window window;
  graph::Collapse collapse = graph::Collapse::Service;
  graph::Filter filter;
  bool routes = true;  ///< with the routes of each edge
};

/// What it would be to name a node: nothing is done yet.
struct Naming {
  /// What a name hangs on. A node that several names were folded into has several.
  struct Place {
    std::string key;  ///< the name that evidence gives, or an address, with its port where one was said
    std::optional<SocketAddress> address{};
    std::string before{};  ///< the operator's name of it; empty: none
  };
  std::vector<Place> places;
  std::string name;  ///< in its normal form; empty takes it back
};

/// The controller's way to the record: reports in, graphs out. Any thread; errors of the disk come back as they are.
class Recorder {
 public:
  /// Both outlive the recorder.
  Recorder(GraphStore& store, const Clock& clock, Limits limits = {});

  /// True when counted, false when it was counted before. InvalidArgument names what is impossible in the report (E13:
  /// it is refused whole, and a proxy need not send it again); Exhausted is a full disk: the proxy is to keep it.
  Result<bool> ingest(const wire::Report& report);
  /// The same for many in one transaction; an impossible one refuses the batch and names itself.
  Result<std::vector<bool>> ingest(std::span<const wire::Report> reports);

  /// NotFound when the filter's focus is no node.
  Result<graph::Graph> graph(const GraphQuery& query) const;
  /// Who called `service` (a name, an id, an address:port), and what its features denied. NotFound when the window
  /// knows no such service.
  Result<Calls> calls(graph::Window window, const std::string& service) const;
  /// The same with all that was asked for; bucket by bucket too where `moments` says so.
  Result<Traffic> traffic(graph::Window window, const std::string& service, bool moments) const;
  Result<graph::Diff> diff(const GraphQuery& query, graph::Window before, graph::Window after) const;

  /// How `node` (a name, an id, an address or an address:port) gets the name of the operator's choice; empty takes it
  /// back. NotFound when no such node was seen and it is no address; InvalidArgument for a name that cannot be one.
  Result<Naming> planNaming(const std::string& node, const std::string& name) const;
  /// Does it at one place of the plan, on the disk when it returns.
  Status name(const Naming::Place& place, const std::string& name);

  /// Of every proxy that ever reported, by name, with its coverage of the window.
  Result<std::vector<graph::ProxyState>> proxies(graph::Window window) const;

  /// Names and networks that the operator's catalogue gives; replaces the previous ones.
  void setCatalogue(std::vector<graph::Claim> claims);

  /// Roll-up and retention: call it every 10 s.
  Status housekeeping();

  StoreCounters counters() const { return store_.counters(); }
  std::uint64_t refusedReports() const { return refused_; }

 private:
  /// One state of the record over a window: its flows merged, and who is called what.
  struct Gathered {
    std::unique_ptr<GraphSnapshot> state;
    std::vector<graph::MergedFlow> flows;
    std::unique_ptr<const graph::Names> names;
    std::vector<graph::ProxyState> proxies;
    graph::Header header;  // but what flows tell
  };

  Result<Gathered> gather(graph::Window window, bool routes) const;
  static Result<std::vector<graph::MergedFlow>> merge(GraphSnapshot& state, std::vector<graph::FlowSum> rows,
                                                      const std::vector<graph::ProxyState>& proxies,
                                                      graph::Window window, bool routes);
  static Result<Traffic> trafficOf(Gathered& gathered, const std::string& service);
  static Result<std::vector<Moment>> momentsOf(Gathered& gathered, const std::string& service);
  Result<graph::Graph> whole(const GraphQuery& query) const;
  Result<std::string> shownName(const std::string& node) const;

  GraphStore& store_;
  const Clock& clock_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::vector<graph::Claim> catalogue_;
  std::atomic<std::uint64_t> refused_ = 0;
};

/// Seconds that a proxy's clock may be ahead of the controller's: a day by mistake, and some.
constexpr std::int64_t kMostAhead = 86'400 + 3600;
/// What makes a report impossible, in one line; a report that passes can be counted. `now` in unix seconds.
Status checkReport(const wire::Report& report, std::int64_t now);
/// What makes a verdict of a report impossible; empty for nothing. `latest`: unix seconds after which no bucket begins.
std::string wrongWith(const wire::Verdict& verdict, std::int64_t latest);

}  // namespace loam::record
