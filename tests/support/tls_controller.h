#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/http/http1_server.h"
#include "proxy/tls/stream.h"
#include "proxy/wire/enrolment.h"
#include "proxy/wire/watch.h"
#include "tests/support/certificates.h"

namespace loam::test {

/// A root and what it issues with. No two roots go by the same name: without key identifiers a verifier could not tell
/// them apart.
struct TestAuthority {
  Party root = makeRoot("root " + std::to_string(count()));
  Party intermediate = makeParty(
      {.commonName = root.certificate.subject() + " intermediate", .names = "", .usage = "", .authority = true}, &root);

  std::string id() const { return root.certificate.fingerprint(); }
  tls::Credentials credentials(const CertificateSpec& spec, bool withRoot = false) const {
    const Party leaf = makeParty(spec, &intermediate);
    tls::Credentials made{{leaf.certificate, intermediate.certificate}, pemOf(leaf.key)};
    if (withRoot) made.chain.push_back(root.certificate);
    return made;
  }
  static int count() {
    static int made = 0;
    return ++made;
  }
};

/// Trust in these, of which the last issues.
inline wire::Trust trustIn(std::uint64_t step, const std::vector<const TestAuthority*>& authorities) {
  wire::Trust trust;
  trust.step = step;
  trust.issuing = authorities.back()->id();
  for (const TestAuthority* one : authorities) trust.roots.push_back(one->root.certificate.toPem());
  return trust;
}

/// The agents' port of a controller, in this process and on a thread of its own: join, renew, watch, reports.
class TlsController {
 public:
  struct Settings {
    std::string name = "spiffe://loam/controller/controller";
    std::string token = "loam-join-good";
    std::time_t leafLife = 3600;
  };
  TlsController(TestAuthority authority, Settings settings)
      : settings_(std::move(settings)), authority_(std::move(authority)), trust_(trustIn(1, {&authority_})) {
    secure();
    auto listener = *io::Listener::bind(*loop_, *SocketAddress::parse("127.0.0.1:0"));
    http::Security security;
    security.wrap = tls::asServer([this] {
      const std::lock_guard lock(mutex_);
      return context_;
    });
    server_ = std::make_unique<http::Http1Server>(
        *loop_, std::move(listener), [this](const http::Request& request) { return answer(request); },
        http::Http1Limits{}, std::move(security));
    target_ = {.socketPath = {}, .address = server_->address()};
    thread_ = std::thread([this] { loop_->run(); });
  }
  explicit TlsController(TestAuthority authority = {}) : TlsController(std::move(authority), Settings{}) {}
  ~TlsController() {
    loop_->stop();
    thread_.join();
    server_.reset();
  }

  const http::Target& target() const { return target_; }
  const TestAuthority& authority() const { return authority_; }

  /// Answers that status to whatever asks for `path`; 0: as it should.
  void refuse(const std::string& path, int status) {
    const std::lock_guard lock(mutex_);
    refused_[path] = status;
  }
  /// From now on leaves are issued by `next`, which clients are told in step `step` to believe beside the first.
  void rotate(const TestAuthority& next, std::uint64_t step) {
    const std::lock_guard lock(mutex_);
    next_ = next;
    trust_ = trustIn(step, {&authority_, &*next_});
    secure();
  }
  wire::Trust trust() {
    const std::lock_guard lock(mutex_);
    return trust_;
  }
  /// The answer to the next question.
  void say(const wire::Snapshot& snapshot) {
    const std::lock_guard lock(mutex_);
    snapshots_.push_back(wire::encode(snapshot));
  }

  struct Heard {
    std::vector<wire::Join> joins{};
    std::vector<std::string> renewals{};  ///< serials of those who asked
    std::vector<wire::Watch> watches{};
    std::vector<std::string> reports{};
    std::vector<std::string> serials{};  ///< of who asked to watch
    std::uint64_t connections = 0;
  };
  Heard heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void secure() {
    std::vector<tls::Certificate> roots = {authority_.root.certificate};
    if (next_) roots.push_back(next_->root.certificate);
    context_ = *tls::Context::server(
        {.own = authority_.credentials({.commonName = "c", .names = "URI:" + settings_.name}, true),
         .roots = std::move(roots),
         .client = tls::ClientCertificate::Wanted});
  }

  io::Task<http::Response> answer(const http::Request& request) {
    http::Response response = respond(request);
    if (response.status == 204) co_await loop_->sleepFor(milliseconds(10));
    co_return response;
  }

  http::Response respond(const http::Request& request) {
    const std::lock_guard lock(mutex_);
    heard_.connections = server_->counters().connections;
    const std::string path(request.path());
    if (const auto refused = refused_.find(path); refused != refused_.end() && refused->second != 0) {
      note(path, request);
      return {.status = refused->second, .body = "refused"};
    }
    if (path == "/v1/join") {
      heard_.joins.push_back(*wire::decodeJoin(request.body));
      const wire::Join& join = heard_.joins.back();
      if (join.token != settings_.token) return {.status = 403, .body = "no"};
      return {.body = enrol(join.csr, "spiffe://loam/proxy/" + join.proxy)};
    }
    if (request.peer.id.empty()) return {.status = 401, .body = "who are you?"};
    note(path, request);
    if (path == "/v1/renew") return {.body = enrol(wire::decodeRenew(request.body)->csr, request.peer.id)};
    if (path == "/v1/reports") return {.status = 200, .body = "{}"};
    if (snapshots_.empty()) return {.status = 204};
    const std::string snapshot = snapshots_.front();
    snapshots_.pop_front();
    return {.body = snapshot};
  }

  void note(const std::string& path, const http::Request& request) {
    if (path == "/v1/renew") heard_.renewals.push_back(request.peer.serial);
    if (path == "/v1/reports") heard_.reports.push_back(request.body);
    if (path != "/v1/watch") return;
    heard_.watches.push_back(*wire::decodeWatch(request.body));
    heard_.serials.push_back(request.peer.serial);
  }

  std::string enrol(const std::string& csr, const std::string& spiffe) {
    const tls::BioPtr text = tls::readingFrom(csr);
    const tls::RequestPtr wish(PEM_read_bio_X509_REQ(text.get(), nullptr, nullptr, nullptr));
    CertificateSpec spec{.names = "URI:" + spiffe, .to = settings_.leafLife};
    spec.key = SharedKey(X509_REQ_get_pubkey(wish.get()), EVP_PKEY_free);
    const TestAuthority& issuing = next_ ? *next_ : authority_;
    const Party leaf = makeParty(spec, &issuing.intermediate);
    return wire::encode(wire::Enrolment{leaf.certificate.toPem() + issuing.intermediate.certificate.toPem(), trust_});
  }

  const Settings settings_;
  const TestAuthority authority_;
  SystemClock clock_;
  std::unique_ptr<io::EventLoop> loop_ = *io::EventLoop::make(clock_);
  std::mutex mutex_;
  std::optional<TestAuthority> next_;
  wire::Trust trust_;
  std::shared_ptr<const tls::Context> context_;
  std::map<std::string, int> refused_;
  std::deque<std::string> snapshots_;
  Heard heard_;
  std::unique_ptr<http::Http1Server> server_;
  http::Target target_;
  std::thread thread_;
};

}  // namespace loam::test
