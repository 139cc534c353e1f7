#include "proxy/server/metrics.h"

#include <prometheus/text_serializer.h>

#include <utility>

namespace loam::server {

namespace {

prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type) {
  prometheus::MetricFamily out;
  out.name = std::move(name);
  out.help = std::move(help);
  out.type = type;
  return out;
}

void append(prometheus::MetricFamily& to, double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  (to.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  to.metric.push_back(std::move(metric));
}

double sum(const std::vector<const Counters*>& workers, Counter Counters::*member) {
  double total = 0;
  for (const Counters* counters : workers) total += static_cast<double>((counters->*member).get());
  return total;
}

/// One family whose series differ in one label.
struct Series {
  const char* value;
  Counter Counters::*member;
};

prometheus::MetricFamily labelled(const std::vector<const Counters*>& workers, std::string name, std::string help,
                                  const char* label, std::initializer_list<Series> series) {
  auto out = family(std::move(name), std::move(help), prometheus::MetricType::Counter);
  for (const Series& one : series) append(out, sum(workers, one.member), {{label, one.value}});
  return out;
}

/// Why a connection is not mutual TLS though its caller wanted it to be.
bool isReason(relay::Security security) {
  using State = relay::Security::State;
  return security.isPlaintext() && security.state != State::Ready && security.state != State::NotChosen &&
         security.state != State::OwnTls;
}

prometheus::MetricFamily byState(const std::vector<const Counters*>& workers, std::string name, std::string help,
                                 const char* label, Counters::BySecurity Counters::*member,
                                 bool (*has)(relay::Security)) {
  auto out = family(std::move(name), std::move(help), prometheus::MetricType::Counter);
  for (std::size_t index = 0; index < relay::Security::kStates; ++index) {
    const relay::Security state{static_cast<relay::Security::State>(index), 0};
    if (!has(state)) continue;
    double total = 0;
    for (const Counters* counters : workers) total += static_cast<double>((counters->*member)[index].get());
    append(out, total, {{label, relay::text(state)}});
  }
  return out;
}

void collectSecurity(const std::vector<const Counters*>& workers, MetricFamilies& families) {
  families.push_back(byState(workers, "loam_mtls_connections_total",
                             "Connections of services whose mtls is on, by how they went or why not over mutual TLS.",
                             "state", &Counters::bySecurity,
                             [](relay::Security state) { return state != relay::Security(); }));
  families.push_back(byState(workers, "loam_mtls_fallbacks_total",
                             "Connections at prefer that went on in plaintext, by why.", "reason", &Counters::fallbacks,
                             isReason));
  families.push_back(byState(workers, "loam_mtls_without_peer_total",
                             "Connections that were refused because they must not go on in plaintext, by why.",
                             "reason", &Counters::withoutPeer, isReason));
  auto refused = family("loam_mtls_peers_refused_total",
                        "Who came to the port for proxies and was none of this mesh, by what was wrong.",
                        prometheus::MetricType::Counter);
  for (std::size_t fault = 0; fault < kPeerFaults; ++fault) {
    double total = 0;
    for (const Counters* counters : workers) total += static_cast<double>(counters->peersRefused[fault].get());
    append(refused, total, {{"reason", std::string(text(static_cast<PeerFault>(fault)))}});
  }
  families.push_back(std::move(refused));
  addCounter(families, "loam_mtls_not_advertised_total", "What proxies asked for and this one does not reach for them.",
             sum(workers, &Counters::notAdvertised));
}

void collectServing(const std::vector<const Counters*>& workers, MetricFamilies& families) {
  const auto total = [&workers](auto read) {
    double sum = 0;
    for (const Counters* counters : workers) sum += static_cast<double>(read(counters->serving).get());
    return sum;
  };
  using serve::Counters;
  addCounter(families, "loam_serve_connections_total", "Connections that were served instead of relayed.",
             total([](const Counters& of) -> const Counter& { return of.connections; }));
  addCounter(families, "loam_serve_requests_total", "Requests that were forwarded.",
             total([](const Counters& of) -> const Counter& { return of.requests; }));
  addCounter(families, "loam_serve_foreign_total", "Connections of a served port that do not speak HTTP/1.",
             total([](const Counters& of) -> const Counter& { return of.foreign; }));
  addCounter(families, "loam_serve_tunnels_total", "Served connections that became a tunnel: WebSocket, CONNECT.",
             total([](const Counters& of) -> const Counter& { return of.tunnels; }));
  auto refused = family("loam_serve_refused_total", "Exchanges that the proxy ended itself, by why.",
                        prometheus::MetricType::Counter);
  for (std::size_t i = 1; i < http::kHeadFaults; ++i) {
    append(refused, total([i](const Counters& of) -> const Counter& { return of.badHeads[i]; }),
           {{"why", std::string(http::name(static_cast<http::HeadFault>(i)))}});
  }
  for (std::size_t i = 0; i < serve::kFaults; ++i) {
    append(refused, total([i](const Counters& of) -> const Counter& { return of.faults[i]; }),
           {{"why", std::string(serve::refusalOf(static_cast<serve::Fault>(i)).detail)}});
  }
  families.push_back(std::move(refused));
}

/// What filters did to served exchanges.
void collectTallies(const std::vector<const Counters*>& workers, MetricFamilies& families) {
  const auto total = [&workers](Counter filter::Tally::*of) {
    double sum = 0;
    for (const Counters* counters : workers) sum += static_cast<double>((counters->tally.*of).get());
    return sum;
  };
  auto faults = family("loam_faults_total", "Exchanges that the fault flag had something done to, by what.",
                       prometheus::MetricType::Counter);
  append(faults, total(&filter::Tally::delayed), {{"what", "delayed"}});
  append(faults, total(&filter::Tally::aborted), {{"what", "aborted"}});
  append(faults, total(&filter::Tally::mocked), {{"what", "answered"}});
  append(faults, total(&filter::Tally::spared), {{"what", "spared"}});
  families.push_back(std::move(faults));
  addCounter(families, "loam_policy_denied_exchanges_total", "Exchanges that the policy of their service denied.",
             total(&filter::Tally::denied));
  addCounter(families, "loam_rate_limited_exchanges_total", "Exchanges that a rate limit of their service refused.",
             total(&filter::Tally::limited));
  auto retries =
      family("loam_retries_total",
             "What the retries flag did: repeats that were sent, exchanges that one mended, repeats beyond the budget.",
             prometheus::MetricType::Counter);
  append(retries, total(&filter::Tally::repeated), {{"what", "sent"}});
  append(retries, total(&filter::Tally::rescued), {{"what", "mended"}});
  append(retries, total(&filter::Tally::unaffordable), {{"what", "over_budget"}});
  families.push_back(std::move(retries));
  auto routed = family("loam_routed_exchanges_total",
                       "Exchanges that routing sent elsewhere: to another service, to a developer's copy, and of those "
                       "that went the usual way since it was gone.",
                       prometheus::MetricType::Counter);
  append(routed, total(&filter::Tally::routed), {{"to", "service"}});
  append(routed, total(&filter::Tally::overridden), {{"to", "override"}});
  append(routed, total(&filter::Tally::overriddenInVain), {{"to", "override_gone"}});
  families.push_back(std::move(routed));
  addCounter(families, "loam_capped_exchanges_total", "Exchanges refused since as many as may be were under way.",
             total(&filter::Tally::capped));
  addCounter(families, "loam_exchanges_without_endpoint_total",
             "Exchanges refused since no endpoint that they could go to was fit to be asked.",
             total(&filter::Tally::withoutEndpoint));
}

}  // namespace

void addCounter(MetricFamilies& families, std::string name, std::string help, double value) {
  families.push_back(family(std::move(name), std::move(help), prometheus::MetricType::Counter));
  append(families.back(), value);
}

void addGauge(MetricFamilies& families, std::string name, std::string help, double value) {
  families.push_back(family(std::move(name), std::move(help), prometheus::MetricType::Gauge));
  append(families.back(), value);
}

void collectWorkers(const std::vector<const Counters*>& workers, MetricFamilies& families) {
  addCounter(families, "loam_relay_connections_accepted_total", "Connections taken from listeners.",
             sum(workers, &Counters::accepted));
  addGauge(families, "loam_relay_connections_open", "Connections carried now.", sum(workers, &Counters::active));
  families.push_back(labelled(workers, "loam_relay_connections_ended_total",
                              "Connections that are over, by how they ended.", "how",
                              {{"finished", &Counters::finished},
                               {"reset_by_downstream", &Counters::resetByDownstream},
                               {"reset_by_upstream", &Counters::resetByUpstream},
                               {"upstream_refused", &Counters::refused},
                               {"upstream_unreachable", &Counters::unreachable},
                               {"local_failure", &Counters::localFailures},
                               {"denied", &Counters::denied},
                               {"closed_by_policy", &Counters::closed},
                               {"loop_refused", &Counters::loopsRefused},
                               {"tripwire", &Counters::tripped}}));
  families.push_back(labelled(workers, "loam_relay_bytes_total", "Bytes of ended connections, by the way they went.",
                              "direction",
                              {{"upstream", &Counters::bytesUpstream}, {"downstream", &Counters::bytesDownstream}}));
  families.push_back(labelled(workers, "loam_relay_source_addresses_total",
                              "Captured connections by whether the server saw the client's own address.", "kept",
                              {{"yes", &Counters::sourceKept}, {"no", &Counters::sourceLost}}));
  addCounter(families, "loam_relay_bypasses_requested_total",
             "Destinations that the guard was asked to leave alone for a while.",
             sum(workers, &Counters::bypassRequested));
  addCounter(families, "loam_relay_connections_not_observed_total",
             "Connections that the observe flag of their service left out.", sum(workers, &Counters::notObserved));
  collectSecurity(workers, families);
  collectServing(workers, families);
  collectTallies(workers, families);
  addCounter(families, "loam_relay_accepts_exhausted_total", "Clients let go because descriptors ran out.",
             sum(workers, &Counters::acceptExhausted));
}

std::string renderMetrics(const std::vector<Collector>& collectors) {
  MetricFamilies families;
  for (const Collector& collect : collectors) collect(families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace loam::server
