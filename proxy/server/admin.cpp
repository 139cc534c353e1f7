#include "proxy/server/admin.h"

#include <charconv>
#include <utility>

#include "proxy/base/json.h"

namespace loam::server {

namespace {

constexpr std::size_t kDefaultListed = 1000;

std::string_view name(relay::Vantage vantage) {
  switch (vantage) {
    case relay::Vantage::Outbound:
      return "outbound";
    case relay::Vantage::Inbound:
      return "inbound";
    case relay::Vantage::Explicit:
      return "explicit";
  }
  return "explicit";
}

http::Response plain(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text), {}};
}

}  // namespace

Result<std::unique_ptr<Admin>> Admin::start(const SocketAddress& address, Server& server, const Clock& clock,
                                            More more) {
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  auto listener = io::Listener::bind(**loop, address);
  if (!listener) return fail(std::move(listener).error());
  more.metrics.insert(more.metrics.begin(), [&server](MetricFamilies& families) {
    collectWorkers(server.counters(), families);
    addGauge(families, "loam_proxy_draining", "1 while no new connection is led here: the proxy was drained, or ends.",
             server.isDraining() ? 1 : 0);
  });
  std::unique_ptr<Admin> admin(new Admin(server, clock, *std::move(loop), std::move(more)));
  admin->address_ = (*listener)->address();
  admin->http_ = std::make_unique<http::Http1Server>(
      *admin->loop_, *std::move(listener),
      [raw = admin.get()](const http::Request& request) { return raw->answer(request); });
  admin->thread_ = std::thread([raw = admin.get()] { raw->loop_->run(); });
  return admin;
}

Admin::Admin(Server& server, const Clock& clock, std::unique_ptr<io::EventLoop> loop, More more)
    : server_(server), clock_(clock), loop_(std::move(loop)), more_(std::move(more)) {}

Admin::~Admin() {
  if (thread_.joinable()) {
    loop_->stop();
    thread_.join();
  }
  http_.reset();
}

io::Task<http::Response> Admin::answer(const http::Request& request) {
  const std::string_view path = request.path();
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response refused = plain(405, "only GET\n");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    co_return refused;
  }
  if (path == "/healthz") co_return plain(200, "ok\n");
  if (path == "/readyz") co_return readiness();
  if (path == "/connections") co_return connections(request);
  if (path == "/metrics")
    co_return http::Response{200, "text/plain; version=0.0.4; charset=utf-8", renderMetrics(more_.metrics), {}};
  co_return plain(404, "known here: /metrics /healthz /readyz /connections\n");
}

http::Response Admin::readiness() const {
  GuardLink* guard = server_.guardLink();
  const bool attached = guard == nullptr || guard->isAttached();
  const bool drained = server_.isDrained();
  Json::Value out(Json::objectValue);
  out["guard"] = guard == nullptr ? "not configured"
                 : attached       ? "attached"
                 : drained        ? "released: new connections go direct"
                                  : "away: new connections go direct";
  out["draining"] = server_.isDraining();
  out["drained"] = drained;
  if (guard != nullptr)
    out["client_addresses"] = guard->whyNotTransparent().empty() ? "kept" : guard->whyNotTransparent();
  if (guard != nullptr && !guard->whyNotClosed().empty()) out["not_closed"] = guard->whyNotClosed();
  if (more_.state) more_.state(out);
  return {attached && !server_.isDraining() ? 200 : 503, "application/json", writeJsonPretty(out), {}};
}

http::Response Admin::connections(const http::Request& request) {
  std::size_t most = kDefaultListed;
  if (const std::string text = request.query("most"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), most);
    if (error != std::errc() || end != text.data() + text.size()) return plain(400, "most: expected a whole number\n");
  }
  Json::Value out(Json::objectValue);
  out["open"] = Json::UInt64(server_.active());
  out["connections"] = Json::Value(Json::arrayValue);
  for (const ConnectionSummary& summary : server_.connections(most)) {
    Json::Value entry(Json::objectValue);
    entry["client"] = summary.facts.client.text();
    entry["destination"] = summary.facts.destination.text();
    entry["vantage"] = std::string(name(summary.facts.vantage));
    entry["generation"] = Json::UInt64(summary.facts.generation);
    entry["age_seconds"] = Json::Int64(std::chrono::duration_cast<seconds>(clock_.now() - summary.since).count());
    entry["bytes_upstream"] = Json::UInt64(summary.upstreamBytes);
    entry["bytes_downstream"] = Json::UInt64(summary.downstreamBytes);
    if (!summary.peer.empty()) entry["peer"] = summary.peer;
    if (!summary.serial.empty()) entry["peer_serial"] = summary.serial;
    out["connections"].append(std::move(entry));
  }
  return {200, "application/json", writeJsonPretty(out), {}};
}

}  // namespace loam::server
