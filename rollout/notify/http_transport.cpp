#include "rollout/notify/http_transport.h"

#include <utility>

#include "proxy/tls/named_server.h"
#include "proxy/tls/stream.h"
#include "rollout/notify/address_rule.h"
#include "rollout/notify/signature.h"

namespace loam::notify {

namespace {

constexpr std::size_t kMostBody = 16 * 1024;  // of an answer; nobody needs it
constexpr std::size_t kMostSaid = 160;

/// Prefixed with who it is about, unless it says so already.
Error about(const HookUrl& url, Error error) {
  const std::string name = url.authority();
  if (error.context.find(name) == std::string::npos) error.context.insert(0, name + ": ");
  return error;
}

}  // namespace

HttpTransport::HttpTransport(io::EventLoop& loop, HookSettings settings, const Clock& clock,
                             HostLookup::Resolve resolve)
    : loop_(loop),
      settings_(std::move(settings)),
      clock_(clock),
      lookup_(loop, settings_.url.host, settings_.url.port, std::move(resolve)) {}

Result<std::unique_ptr<HttpTransport>> HttpTransport::make(io::EventLoop& loop, HookSettings settings,
                                                           const Clock& clock, HostLookup::Resolve resolve) {
  std::unique_ptr<HttpTransport> made(new HttpTransport(loop, std::move(settings), clock, std::move(resolve)));
  LOAM_TRY(made->readAuthorities());
  return made;
}

Status HttpTransport::readAuthorities() {
  if (!settings_.url.tls) return {};
  auto context = tls::clientOf(settings_.url.host, settings_.caFile, true);
  if (!context) return fail(std::move(context).error());
  context_ = *std::move(context);
  return {};
}

Status HttpTransport::reload() {
  auto secret = readSecret(settings_.secretFile);
  if (!secret) return fail(std::move(secret).error());
  settings_.secret = *std::move(secret);
  return readAuthorities();
}

http::Request HttpTransport::requestOf(Post post) const {
  const std::int64_t now = unixSeconds(clock_.wall());
  http::Request request{.method = "POST", .target = settings_.url.target};
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "loam-controller/" LOAM_VERSION},
                     {"Connection", "close"},
                     {"Loam-Event", std::move(post.event)},
                     {"Loam-Delivery", std::move(post.id)},
                     {"Loam-Signature", signatureOf(settings_.secret, now, post.body)}};
  request.body = std::move(post.body);
  return request;
}

io::Task<Result<HostLookup::Addresses>> HttpTransport::addresses(Monotonic deadline) {
  if (settings_.url.address) co_return HostLookup::Addresses{{*settings_.url.address, settings_.url.port}};
  Result<HostLookup::Addresses> found = co_await lookup_.ask(deadline);
  co_return found;
}

/// To the first address that takes it; each gets its part of the time that is left.
io::Task<Result<HttpTransport::Connection>> HttpTransport::connect(Monotonic deadline) {
  const auto found = co_await addresses(deadline);
  if (!found) co_return fail(found.error());
  Error last{ErrorCode::NotFound, settings_.url.authority() + ": the resolver knows no address"};
  for (std::size_t i = 0; i < found->size(); ++i) {
    const SocketAddress& address = (*found)[i];
    const std::string_view why = whyNever(address.ip, settings_.url.meansLoopback());
    if (!why.empty()) {
      last = Error{ErrorCode::Denied, address.ip.text() + " is never called: it is " + std::string(why)};
      continue;
    }
    const auto rest = static_cast<std::int64_t>(found->size() - i);
    const Monotonic until = loop_.now() + (deadline - loop_.now()) / rest;
    http::Target target{.socketPath = {}, .address = address, .host = settings_.url.authority()};
    io::Wrap wrap = context_ ? tls::asClient(context_, "") : io::Wrap();
    auto connection = co_await http::ClientConnection::connect(loop_, std::move(target), std::move(wrap), until);
    if (connection) co_return std::move(connection);
    last = std::move(connection).error();
  }
  co_return fail(about(settings_.url, std::move(last)));
}

io::Task<Result<Answer>> HttpTransport::send(Post post, Monotonic deadline) {
  const auto connection = co_await connect(deadline);
  if (!connection) co_return fail(connection.error());
  http::Request request = requestOf(std::move(post));  // signed now: a receiver takes no old ones
  const auto response = co_await (*connection)->askBriefly(std::move(request), deadline, kMostBody);
  if (!response) co_return fail(response.error());
  Answer answer;
  answer.status = response->status;
  answer.retryAfter = response->header("retry-after");
  answer.says = plain(response->body, kMostSaid);
  co_return answer;
}

}  // namespace loam::notify
