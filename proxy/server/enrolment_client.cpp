#include "proxy/server/enrolment_client.h"

#include <utility>

#include "proxy/tls/key_pair.h"
#include "proxy/tls/stream.h"

namespace loam::server {

namespace {

/// A new key, and the request for a certificate over it.
struct Wish {
  std::string keyPem;
  std::string csr;
};

Result<Wish> makeWish(const std::string& proxy) {
  const auto key = tls::KeyPair::generate();
  if (!key) return fail(key.error());
  auto csr = tls::signingRequest(*key, proxy);
  if (!csr) return fail(std::move(csr).error());
  return Wish{key->toPem(), *std::move(csr)};
}

http::Request post(std::string target, std::string body) {
  http::Request request{.method = "POST", .target = std::move(target), .headers = {}, .body = std::move(body)};
  request.headers.emplace_back("Content-Type", "application/json");
  return request;
}

/// Believes the controller of that name alone, whatever its trust domain: the leaf of a proxy serves for both ends,
/// too.
Result<std::shared_ptr<const tls::Context>> pinnedTo(const JoinTerms& terms) {
  tls::Context::Settings settings;
  settings.admits = [name = terms.controllerName](const tls::Certificate& leaf) -> std::optional<std::string> {
    const std::string found = leaf.spiffeId();
    if (!found.empty() && found == spiffeId(domainOf(found), "controller", name)) return std::nullopt;
    return "expected the controller \"" + name + "\", found " + (found.empty() ? std::string("no SPIFFE id") : found);
  };
  return tls::Context::client(std::move(settings), terms.root);
}

Result<wire::Enrolment> enrolmentOf(const http::Response& answer) {
  if (answer.status != 200) {
    const bool forGood = answer.status == 400 || answer.status == 403 || answer.status == 422;
    return fail(forGood ? ErrorCode::InvalidArgument : ErrorCode::Io,
                "the controller answered " + std::to_string(answer.status) + ": " + answer.body.substr(0, 200),
                ErrorOrigin::Upstream);
  }
  auto enrolment = wire::decodeEnrolment(answer.body);
  if (!enrolment) return fail(ErrorCode::Protocol, "the controller's answer: " + enrolment.error().context);
  return enrolment;
}

}  // namespace

io::Task<Result<Identity>> askToJoin(io::EventLoop& loop, JoinTerms terms, std::string token, Monotonic deadline) {
  auto wish = makeWish(terms.proxy);
  if (!wish) co_return fail(std::move(wish).error());
  auto context = pinnedTo(terms);
  if (!context) co_return fail(std::move(context).error());
  auto wrap = tls::asClient(*std::move(context), {});
  auto connection = co_await http::ClientConnection::connect(loop, terms.controller, std::move(wrap), deadline);
  if (!connection) co_return fail(std::move(connection).error());
  const std::string domain = domainOf((*connection)->peer().id);
  auto request = post("/v1/join", wire::encode(wire::Join{terms.proxy, std::move(token), wish->csr}));
  const auto answer = co_await (*connection)->ask(std::move(request), deadline);
  if (!answer) co_return fail(answer.error());
  const auto enrolment = enrolmentOf(*answer);
  if (!enrolment) co_return fail(enrolment.error());
  co_return identityOf(*enrolment, std::move(wish->keyPem), spiffeId(domain, "proxy", terms.proxy));
}

io::Task<Result<Identity>> askToRenew(io::EventLoop& loop, http::KeptConnection& connection,
                                      std::shared_ptr<const Identity> present, Monotonic deadline) {
  const std::string spiffe = present->leaf().spiffeId();
  auto wish = makeWish(spiffe.substr(spiffe.rfind('/') + 1));
  if (!wish) co_return fail(std::move(wish).error());
  auto request = post("/v1/renew", wire::encode(wire::Renew{wish->csr}));
  const auto answer = co_await connection.ask(loop, std::move(request), deadline);
  if (!answer) co_return fail(answer.error());
  const auto enrolment = enrolmentOf(*answer);
  if (!enrolment) co_return fail(enrolment.error());
  auto next = identityOf(*enrolment, std::move(wish->keyPem), spiffe);
  if (next) next->token = present->token;
  co_return next;
}

}  // namespace loam::server
