#include "shadow/record/recorder.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "shadow/graph/assemble.h"
#include "shadow/graph/merge.h"
#include "shadow/graph/names.h"
#include "shadow/graph/security.h"

namespace loam::record {

namespace {

constexpr std::int64_t kLatestTime = 1LL << 40;  // year 36812: sums of times stay far from overflow

Status checkWindow(graph::Window window) {
  if (window.from >= 0 && window.from < window.to && window.to <= kLatestTime) return {};
  return fail(ErrorCode::InvalidArgument, "window: expected from before to, got " + std::to_string(window.from) +
                                              " to " + std::to_string(window.to));
}

/// What edges are told apart by before their ends have names.
auto placeOf(const graph::Flow& flow) {
  return std::tuple(graph::scopeOf(flow.client, flow.destination.ip, flow.proxy), flow.client, flow.prefix,
                    flow.destination, flow.protocol);
}

/// The rows of `sums`, each with its flow, and with what flows outside the window tell of plaintext.
std::vector<graph::FlowSum> join(std::vector<graph::Flow> flows, Sums& sums) {
  std::map<decltype(placeOf(flows.front())), std::int64_t> plaintext;
  for (const graph::Flow& flow : flows) {
    if (!graph::isPlaintext(flow.security)) continue;
    std::int64_t& last = plaintext[placeOf(flow)];
    last = std::max(last, flow.lastSeen);
  }
  std::vector<graph::FlowSum> rows;
  for (graph::Flow& flow : flows) {
    const auto sum = sums.flows.find(flow.id);
    if (sum == sums.flows.end()) continue;
    const auto last = plaintext.empty() ? plaintext.end() : plaintext.find(placeOf(flow));
    rows.push_back({std::move(flow), std::move(sum->second), last == plaintext.end() ? 0 : last->second});
  }
  return rows;
}

/// An address, with port 0 where none is said; nothing for a name.
std::optional<SocketAddress> addressIn(const std::string& node) {
  if (const auto address = SocketAddress::parse(node)) return *address;
  if (const auto ip = IpAddress::parse(node)) return SocketAddress{*ip, 0};
  return std::nullopt;
}

Naming::Place placeOf(const SocketAddress& address, const std::vector<graph::Claim>& claims) {
  Naming::Place place{address.port == 0 ? address.ip.text() : address.text(), address};
  for (const graph::Claim& claim : claims) {
    const bool isOfAll = claim.source == "operator" && claim.scope.empty();
    if (isOfAll && claim.address == address.ip && claim.port == address.port) place.before = claim.name;
  }
  return place;
}

}  // namespace

Recorder::Recorder(GraphStore& store, const Clock& clock, Limits limits)
    : store_(store), clock_(clock), limits_(limits) {}

Result<bool> Recorder::ingest(const wire::Report& report) {
  const auto counted = ingest(std::span(&report, 1));
  if (!counted) return fail(counted.error());
  return counted->front();
}

Result<std::vector<bool>> Recorder::ingest(std::span<const wire::Report> reports) {
  const std::int64_t now = unixSeconds(clock_.wall());
  for (const wire::Report& report : reports) {
    if (Status possible = checkReport(report, now); !possible) {
      ++refused_;
      return fail(std::move(possible).error());
    }
  }
  return store_.ingest(reports);
}

Result<Recorder::Gathered> Recorder::gather(graph::Window asked, bool routes) const {
  LOAM_TRY(checkWindow(asked));
  auto snapshot = store_.snapshot();
  if (!snapshot) return fail(std::move(snapshot).error());
  GraphSnapshot& state = **snapshot;
  auto sums = state.sums(asked, Snap::Around, routes);
  if (!sums) return fail(std::move(sums).error());
  const graph::Window window = sums->window;
  auto flows = state.flows();
  if (!flows) return fail(std::move(flows).error());
  auto proxies = state.proxies(window);
  if (!proxies) return fail(std::move(proxies).error());
  auto claims = state.claims();
  if (!claims) return fail(std::move(claims).error());
  auto aliases = state.aliases();
  if (!aliases) return fail(std::move(aliases).error());
  auto revision = state.revision();
  if (!revision) return fail(std::move(revision).error());

  auto merged = merge(state, join(*std::move(flows), *sums), *proxies, window, routes);
  if (!merged) return fail(std::move(merged).error());
  {
    const std::lock_guard lock(mutex_);
    claims->insert(claims->end(), catalogue_.begin(), catalogue_.end());
  }
  Gathered gathered;
  gathered.state = *std::move(snapshot);
  gathered.flows = *std::move(merged);
  gathered.names = std::make_unique<const graph::Names>(*claims, *aliases, window);
  gathered.header.window = window;
  gathered.header.revision = *revision;
  gathered.header.resolution = sums->resolution;
  gathered.header.coverage = graph::coverageOf(*proxies, window, unixSeconds(clock_.wall()));
  gathered.proxies = *std::move(proxies);
  return gathered;
}

Result<std::vector<graph::MergedFlow>> Recorder::merge(GraphSnapshot& state, std::vector<graph::FlowSum> rows,
                                                       const std::vector<graph::ProxyState>& proxies,
                                                       graph::Window window, bool routes) {
  graph::Merger merger(std::move(rows), proxies, window);
  for (std::size_t i = 0; i < merger.stretches().size(); ++i) {
    auto inside = state.sums(merger.stretches()[i], Snap::Inside, routes);
    if (!inside) return fail(std::move(inside).error());
    merger.fill(i, inside->flows);
  }
  return std::move(merger).finish();
}

Result<graph::Graph> Recorder::whole(const GraphQuery& query) const {
  auto gathered = gather(query.window, query.routes);
  if (!gathered) return fail(std::move(gathered).error());
  graph::Header& header = gathered->header;
  graph::Graph graph = graph::assemble(std::move(gathered->flows), *gathered->names, query.collapse, header.window);
  header.capturedShare = graph.header.capturedShare;
  graph.header = std::move(header);
  return graph;
}

Result<graph::Graph> Recorder::graph(const GraphQuery& query) const {
  auto graph = whole(query);
  if (!graph) return graph;
  graph = graph::cut(*std::move(graph), query.filter);
  if (!graph) return graph;
  return graph::foldNodes(*std::move(graph), limits_.nodes);
}

Result<graph::Diff> Recorder::diff(const GraphQuery& query, graph::Window before, graph::Window after) const {
  std::vector<graph::Graph> graphs;
  for (const graph::Window window : {before, after}) {
    GraphQuery one = query;
    one.window = window;
    one.routes = false;
    // A window in which the focus does not occur is compared as an empty one; cut() tells when it occurs in neither.
    auto graph = whole(one);
    if (!graph) return fail(std::move(graph).error());
    graphs.push_back(*std::move(graph));
  }
  bool found = false;
  for (graph::Graph& graph : graphs) {
    const graph::Header header = graph.header;
    auto part = graph::cut(std::move(graph), query.filter);
    if (!part && part.error().code != ErrorCode::NotFound) return fail(std::move(part).error());
    found = found || part;
    graph = part ? *std::move(part) : graph::Graph{header, {}, {}};
  }
  if (!found)
    return fail(ErrorCode::NotFound, "no node called \"" + query.filter.focus.substr(0, 128) + "\" in these windows");
  return graph::diff(graphs[0], graphs[1]);
}

/// What a node that evidence knows is called in the graph.
Result<std::string> Recorder::shownName(const std::string& node) const {
  GraphQuery everything;
  everything.window = {0, unixSeconds(clock_.wall()) + 3600};
  everything.routes = false;
  const auto graph = whole(everything);
  if (!graph) return fail(graph.error());
  const graph::Node* const found = graph::find(*graph, node);
  if (found == nullptr) return fail(ErrorCode::NotFound, "no node called \"" + node.substr(0, 128) + "\"");
  if (found->kind == "aggregate")
    return fail(ErrorCode::InvalidArgument, "\"" + found->name + "\" stands for many: name its addresses one by one");
  return found->name;
}

Result<Naming> Recorder::planNaming(const std::string& node, const std::string& name) const {
  Naming naming;
  if (!name.empty()) {
    auto normal = graph::normaliseName("operator", name);
    if (!normal) return fail(ErrorCode::InvalidArgument, "name: expected 1 to 128 printable characters");
    naming.name = *std::move(normal);
  }
  const auto address = addressIn(node);
  const auto shown = address ? Result<std::string>(node) : shownName(node);
  if (!shown) return fail(shown.error());
  auto snapshot = store_.snapshot();
  if (!snapshot) return fail(std::move(snapshot).error());
  if (address) {
    const auto claims = (*snapshot)->claims();
    if (!claims) return fail(claims.error());
    naming.places.push_back(placeOf(*address, *claims));
    return naming;
  }
  const auto aliases = (*snapshot)->aliases();
  if (!aliases) return fail(aliases.error());
  // An alias hangs on the name that evidence gives, so that naming a second time replaces the first.
  for (const graph::Alias& alias : *aliases) {
    if (alias.name == *shown) naming.places.push_back({alias.node, std::nullopt, alias.name});
  }
  if (naming.places.empty()) naming.places.push_back({*shown});
  return naming;
}

Status Recorder::name(const Naming::Place& place, const std::string& name) {
  return place.address ? store_.nameAddress("", *place.address, name) : store_.nameNode(place.key, name);
}

Result<std::vector<graph::ProxyState>> Recorder::proxies(graph::Window window) const {
  LOAM_TRY(checkWindow(window));
  auto snapshot = store_.snapshot();
  if (!snapshot) return fail(std::move(snapshot).error());
  return (*snapshot)->proxies(window);
}

void Recorder::setCatalogue(std::vector<graph::Claim> claims) {
  const std::lock_guard lock(mutex_);
  catalogue_ = std::move(claims);
}

Status Recorder::housekeeping() { return store_.rollUp(unixSeconds(clock_.wall())); }

}  // namespace loam::record
