#include "rollout/api/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace loam::api {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// Collects families in the order of their first value.
class Families {
 public:
  void counter(const char* name, const char* help, std::uint64_t value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.counter.value = static_cast<double>(value);
    add(name, help, MetricType::Counter, std::move(metric), std::move(labels));
  }
  void gauge(const char* name, const char* help, double value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge, std::move(metric), std::move(labels));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  void add(const char* name, const char* help, MetricType type, ClientMetric metric,
           std::vector<ClientMetric::Label> labels) {
    metric.label = std::move(labels);
    if (families_.empty() || families_.back().name != name) families_.push_back({name, help, type, {}});
    families_.back().metric.push_back(std::move(metric));
  }

  std::vector<MetricFamily> families_;
};

ClientMetric::Label label(const char* name, std::string value) {
  ClientMetric::Label out;
  out.name = name;
  out.value = std::move(value);
  return out;
}

void addStore(Families& out, const ControllerState& state) {
  const record::StoreCounters& store = state.store;
  constexpr const char* kReports = "loam_controller_reports_total";
  constexpr const char* kReportsHelp = "Reports of proxies, by what became of them";
  out.counter(kReports, kReportsHelp, store.reports, {label("result", "counted")});
  out.counter(kReports, kReportsHelp, store.duplicates, {label("result", "duplicate")});
  out.counter(kReports, kReportsHelp, state.refusedReports, {label("result", "refused")});
  out.counter(kReports, kReportsHelp, store.failures, {label("result", "failed")});
  constexpr const char* kFolded = "loam_controller_folded_total";
  constexpr const char* kFoldedHelp = "Observations counted in a visible remainder because a bound was reached";
  out.counter(kFolded, kFoldedHelp, store.foldedEdges, {label("kind", "edge")});
  out.counter(kFolded, kFoldedHelp, store.foldedPeers, {label("kind", "peer")});
  out.counter(kFolded, kFoldedHelp, store.foldedRoutes, {label("kind", "route")});
  out.counter(kFolded, kFoldedHelp, store.foldedIdentities, {label("kind", "identity")});
  out.counter(kFolded, kFoldedHelp, store.droppedClaims, {label("kind", "name")});
  out.counter(kFolded, kFoldedHelp, store.foldedVerdicts, {label("kind", "verdict")});
  out.gauge("loam_controller_edges", "Edges that the record knows", static_cast<double>(store.edges));
  for (const auto& [security, edges] : state.edgesByState) {
    out.gauge("loam_controller_edges_secured", "Edges of the last 10 minutes, by how their connections went",
              static_cast<double>(edges), {label("security", security)});
  }
  out.gauge("loam_controller_flows", "Flows that the record knows", static_cast<double>(store.flows));
  out.gauge("loam_controller_database_bytes", "Size of graph.db", static_cast<double>(store.bytes));
  out.gauge("loam_controller_wal_bytes", "Size of its write-ahead log", static_cast<double>(store.walBytes));
}

void addProxies(Families& out, const ControllerState& state) {
  const auto each = [&state](const auto& add) {
    for (const graph::ProxyState& proxy : state.proxies) add(proxy, label("proxy", proxy.name));
  };
  each([&](const graph::ProxyState& proxy, const ClientMetric::Label& name) {
    out.gauge("loam_controller_proxy_silence_seconds", "Since the proxy's last report",
              static_cast<double>(state.now - proxy.lastReport), {name});
  });
  for (const auto& [proxy, ahead] : state.clocks) {
    out.gauge("loam_controller_proxy_clock_ahead_seconds",
              "The proxy's clock less the controller's, as of its last question", static_cast<double>(ahead),
              {label("proxy", proxy)});
  }
  each([&](const graph::ProxyState& proxy, const ClientMetric::Label& name) {
    constexpr const char* kLost = "loam_controller_proxy_lost_total";
    constexpr const char* kHelp = "What a proxy could not record, as it says";
    out.counter(kLost, kHelp, proxy.losses.records, {name, label("kind", "record")});
    out.counter(kLost, kHelp, proxy.losses.reports, {name, label("kind", "report")});
    out.counter(kLost, kHelp, proxy.losses.decoders, {name, label("kind", "decoder")});
    out.counter(kLost, kHelp, proxy.losses.otherEdges, {name, label("kind", "edge")});
  });
}

void addIdentity(Families& out, const ControllerState& state) {
  const auto& roots = state.standing->roots;
  constexpr const char* kLeft = "loam_controller_identity_expiry_seconds";
  constexpr const char* kLeftHelp = "Until a certificate of the authority ends";
  const auto left = [&](std::int64_t end, const char* of, const std::string& root) {
    out.gauge(kLeft, kLeftHelp, static_cast<double>(end - state.now), {label("of", of), label("root", root)});
  };
  for (const auto& root : roots) left(root.certificate.notAfter(), "root", root.id.substr(0, 16));
  for (const auto& root : roots) left(root.intermediateUntil, "intermediate", root.id.substr(0, 16));
  left(state.standing->own.chain.front().notAfter(), "controller", state.standing->rotation.issuing.substr(0, 16));
  out.gauge("loam_controller_identity_rotation_step", "Step that agents acknowledge",
            static_cast<double>(state.standing->rotation.step));
  out.gauge("loam_controller_identity_denials", "Names and certificates that are revoked",
            static_cast<double>(state.standing->denied.size()));
  out.gauge("loam_controller_identity_certificates", "Issued to proxies and not expired",
            static_cast<double>(state.identities->certificates.load()));
  out.counter("loam_controller_identity_renewals_total", "Certificates renewed", state.identities->renewals.load());
  for (std::size_t i = 0; i < identity::kJoinOutcomes; ++i) {
    out.counter("loam_controller_identity_joins_total", "Hosts that wanted to join, by what became of it",
                state.identities->joins[i].load(),
                {label("verdict", std::string(name(static_cast<identity::JoinOutcome>(i))))});
  }
  constexpr const char* kRefused = "loam_controller_agents_refused_total";
  constexpr const char* kRefusedHelp = "Agents turned away: certificate, another's name, cut when revoked or expired";
  out.counter(kRefused, kRefusedHelp, state.agents.denied, {label("why", "certificate")});
  out.counter(kRefused, kRefusedHelp, state.agents.foreign, {label("why", "name")});
  out.counter(kRefused, kRefusedHelp, state.agents.cut, {label("why", "cut")});
  out.counter("loam_controller_agents_connections_total", "Connections accepted", state.agents.http.connections);
  out.counter("loam_controller_agents_requests_total", "Requests handled", state.agents.http.requests);
  out.counter("loam_controller_agents_insecure_total", "TLS handshakes that failed", state.agents.http.insecure);
}

void addWebhooks(Families& out, const std::vector<notify::HookStanding>& webhooks) {
  constexpr const char* kName = "loam_controller_webhook_deliveries_total";
  constexpr const char* kHelp = "Events for webhooks: delivered, tries that failed, and what was given up or dropped";
  for (const notify::HookStanding& hook : webhooks) {
    const ClientMetric::Label of = label("webhook", hook.name);
    out.counter(kName, kHelp, hook.delivered, {of, label("outcome", "delivered")});
    out.counter(kName, kHelp, hook.failed, {of, label("outcome", "failed")});
    out.counter(kName, kHelp, hook.refused, {of, label("outcome", "refused")});
    out.counter(kName, kHelp, hook.expired, {of, label("outcome", "expired")});
    out.counter(kName, kHelp, hook.dropped, {of, label("outcome", "dropped")});
  }
  for (const notify::HookStanding& hook : webhooks) {
    out.gauge("loam_controller_webhook_waiting", "Events that wait for a webhook", static_cast<double>(hook.waiting),
              {label("webhook", hook.name)});
  }
}

}  // namespace

std::string metricsText(const ControllerState& state) {
  Families out;
  addStore(out, state);
  addProxies(out, state);
  if (state.standing) addIdentity(out, state);
  addWebhooks(out, state.webhooks);
  out.counter("loam_controller_http_connections_total", "Connections accepted", state.http.connections);
  out.counter("loam_controller_http_requests_total", "Requests handled", state.http.requests);
  out.counter("loam_controller_http_refused_total", "Requests refused by the codec", state.http.refused);
  out.counter("loam_controller_http_evicted_total", "Waiting connections let go for new ones", state.http.evicted);
  out.counter("loam_controller_http_insecure_total", "TLS handshakes that failed", state.http.insecure);
  out.counter("loam_controller_wrong_tokens_total", "Requests that showed a token worth nothing", state.wrongTokens);
  constexpr const char* kWaiting = "loam_controller_work_waiting";
  constexpr const char* kWaitingHelp = "Reads and writes of the record that wait or run";
  out.gauge(kWaiting, kWaitingHelp, static_cast<double>(state.readsWaiting), {label("kind", "read")});
  out.gauge(kWaiting, kWaitingHelp, static_cast<double>(state.writesWaiting), {label("kind", "write")});
  return out.text();
}

}  // namespace loam::api
