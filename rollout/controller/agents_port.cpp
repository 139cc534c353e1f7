#include "rollout/controller/agents_port.h"

#include <utility>

#include "proxy/tls/stream.h"
#include "proxy/wire/enrolment.h"
#include "proxy/wire/report.h"
#include "proxy/wire/watch.h"
#include "rollout/api/agent_caller.h"
#include "rollout/identity/spiffe_id.h"

namespace loam::controller {

namespace {

constexpr std::size_t kConnections = 8192;  // two of every proxy of a large mesh
constexpr std::size_t kEnrolmentBody = 32 * 1024;

/// What a context is made of; another one is needed when this changes.
std::string madeOf(const identity::Standing& standing) {
  std::string text = standing.own.chain.front().fingerprint();
  for (const auto& root : standing.roots) text.append(" ").append(root.id);
  return text;
}

std::size_t mostBody(const http::Request& request) {
  if (request.peer.id.empty()) return kEnrolmentBody;
  if (request.path() == "/v1/reports") return wire::kMostReportBytes;
  return request.path() == "/v1/watch" ? wire::kMostWatchBytes : kEnrolmentBody;
}

}  // namespace

Status AgentsPort::take(std::shared_ptr<const identity::Standing> standing) {
  standing_ = std::move(standing);
  const std::int64_t now = unixSeconds(clock_.wall());
  if (server_) {
    tally_.cut += server_->cutPeers([&](const http::Peer& peer) {
      return !peer.id.empty() && standing_->denied.whyDenied(peer.serial, peer.id, now).has_value();
    });
  }
  std::string needed = madeOf(*standing_);
  if (needed == secured_) return {};
  tls::Context::Settings settings;
  settings.own = standing_->own;
  for (const auto& root : standing_->roots) settings.roots.push_back(root.certificate);
  settings.client = tls::ClientCertificate::Wanted;
  settings.whyRevoked = [this](const tls::Certificate& leaf) {
    return standing_->denied.whyDenied(leaf.serial(), leaf.spiffeId(), unixSeconds(clock_.wall()));
  };
  settings.admits = [this](const tls::Certificate& leaf) { return whyNot(leaf); };
  auto made = tls::Context::server(std::move(settings));
  if (!made) return fail(std::move(made).error());
  context_ = *std::move(made);
  secured_ = std::move(needed);
  return {};
}

/// Why a client whose certificate is good is turned away all the same. Who was revoked did not come so far.
std::optional<std::string> AgentsPort::whyNot(const tls::Certificate& leaf) {
  const std::string spiffe = leaf.spiffeId();
  const auto id = identity::parseSpiffeId(spiffe);
  if (!id || id->trustDomain != standing_->trustDomain || id->kind != identity::kProxyKind) {
    return "\"" + spiffe + "\" is no proxy of " + standing_->trustDomain;
  }
  ends_.insert_or_assign(leaf.serial(), leaf.notAfter());
  return std::nullopt;
}

void AgentsPort::noteFailure(const http::Peer& peer, const Error& error) {
  if (error.code != ErrorCode::Denied) return;  // no TLS, or gone: counted by the server
  ++tally_.denied;
  constexpr seconds kSayEvery{1};  // a client that tries again and again fills no log
  if (loop_.now() - said_ < kSayEvery) return;
  said_ = loop_.now();
  log_.info(
      "agents", "a client is refused",
      {{"from", peer.address.ip.text()}, {"why", error.context}, {"refused_so_far", std::to_string(tally_.denied)}});
}

http::Http1Limits AgentsPort::limits() const {
  http::Http1Limits limits;
  limits.connections = kConnections;
  limits.bodyOf = mostBody;
  return limits;
}

void AgentsPort::serve(std::unique_ptr<io::Listener> listener) {
  http::Security security;
  security.wrap = tls::asServer([this] { return context_; });
  security.failed = [this](const http::Peer& peer, const Error& error) { noteFailure(peer, error); };
  server_ = std::make_unique<http::Http1Server>(
      loop_, std::move(listener),
      [this](const http::Request& request) {
        return router_.answer(request, api::agentCaller(request, standing_->trustDomain));
      },
      limits(), std::move(security));
}

void AgentsPort::keepHouse() {
  if (!server_) return;
  tally_.http = server_->counters();
  const std::int64_t now = unixSeconds(clock_.wall());
  std::size_t ended = 0;
  for (const auto& [serial, end] : ends_) ended += end <= now ? 1 : 0;
  if (ended == 0) return;
  tally_.cut += server_->cutPeers([&](const http::Peer& peer) {
    const auto found = ends_.find(peer.serial);
    return found != ends_.end() && found->second <= now;
  });
  std::erase_if(ends_, [now](const auto& entry) { return entry.second <= now; });
}

io::Task<void> AgentsPort::drain(Monotonic deadline) {
  if (server_) co_await server_->drain(deadline);
}

}  // namespace loam::controller
