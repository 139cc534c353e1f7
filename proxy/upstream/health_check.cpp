#include "proxy/upstream/health_check.h"

#include <algorithm>
#include <utility>

#include "proxy/http/client_connection.h"

namespace loam::upstream {

HealthCheck::HealthCheck(io::EventLoop& loop, HealthTerms terms, std::span<const Member> members, Dialer& dialer,
                         Dice& dice)
    : loop_(loop), terms_(std::move(terms)), members_(members.begin(), members.end()), dialer_(dialer), dice_(dice) {
  for (const Member& member : members_) scope_.spawn(keepAsking(member));
}

io::Task<void> HealthCheck::keepAsking(const Member& member) {
  const auto first =
      nanoseconds(static_cast<std::int64_t>(dice_.part() * static_cast<double>(terms_.interval.count())));
  co_await loop_.sleepFor(first);
  for (;;) {
    const Monotonic next = loop_.now() + jittered();
    const Verdict verdict = co_await ask(member);
    ++asked_;
    if (verdict) {
      if (!*verdict) ++failed_;
      member.state->onCheck(*verdict, terms_.healthyAfter, terms_.unhealthyAfter, loop_.now());
    }
    co_await loop_.sleepUntil(next);
  }
}

io::Task<HealthCheck::Verdict> HealthCheck::ask(const Member& member) {
  SocketAddress address = member.endpoint.address;
  if (terms_.port) address.port = *terms_.port;
  const Monotonic deadline = loop_.now() + terms_.timeout;
  auto stream = co_await dialer_.dial(address, deadline);
  if (!stream) co_return verdictOf(stream.error());
  if (terms_.kind == HealthTerms::Kind::Tcp) co_return true;
  const Verdict verdict = co_await askHttp(*std::move(stream), address, deadline);
  co_return verdict;
}

io::Task<HealthCheck::Verdict> HealthCheck::askHttp(std::unique_ptr<io::ByteStream> stream, SocketAddress address,
                                                    Monotonic deadline) {
  constexpr std::size_t kMostBody = 4096;  // nobody reads it
  http::Target target{.address = address, .host = terms_.host};
  const auto connection = http::ClientConnection::over(std::move(stream), std::move(target));
  http::Request request;
  request.target = terms_.path;
  request.headers = {{"User-Agent", "loam-health-check"}, {"Connection", "close"}};
  const auto answer = co_await connection->askBriefly(std::move(request), deadline, kMostBody);
  if (!answer) co_return verdictOf(answer.error());
  co_return isGood(answer->status);
}

HealthCheck::Verdict HealthCheck::verdictOf(const Error& error) {
  if (error.origin == ErrorOrigin::Local) return std::nullopt;
  return false;
}

bool HealthCheck::isGood(int status) const {
  if (terms_.statuses.empty()) return status / 100 == 2;
  return std::any_of(terms_.statuses.begin(), terms_.statuses.end(),
                     [status](std::uint16_t good) { return good == status; });
}

/// Within a tenth of it, so that those that once met part again.
nanoseconds HealthCheck::jittered() {
  const double part = 0.9 + 0.2 * dice_.part();
  return nanoseconds(static_cast<std::int64_t>(part * static_cast<double>(terms_.interval.count())));
}

}  // namespace loam::upstream
