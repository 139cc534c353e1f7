#pragma once

#include <memory>
#include <span>
#include <vector>

#include "proxy/base/result.h"
#include "proxy/filter/exchange.h"
#include "proxy/io/task.h"

namespace loam::filter {

class HttpFilter;
using HttpFilters = std::vector<std::unique_ptr<const HttpFilter>>;

/// Brings an exchange to its server. One for each connection.
class Forward {
 public:
  virtual ~Forward() = default;
  /// Sends the request and waits for the head of the final answer. Asked again it gives up what the last sending came
  /// to, which is to be `repeatable`, and sends over another connection. Errors: no answer, by code: Reset where the
  /// server ended or spoke no HTTP/1 before the head stood, Timeout where it took too long, Closed where the client is
  /// gone or did wrong; as a dial's where no server was `reached`.
  virtual io::Task<Result<Response>> forward(Exchange& exchange) = 0;
};

/// The rest of the way: the filters behind the one that is asked, and the server. Copied freely.
class Next {
 public:
  Next(std::span<const std::unique_ptr<const HttpFilter>> rest, Forward& forward) : rest_(rest), forward_(&forward) {}

  /// To be awaited, or returned by who need not look at the answer.
  io::Task<Result<Response>> operator()(Exchange& exchange) const;

 private:
  std::span<const std::unique_ptr<const HttpFilter>> rest_;
  Forward* forward_;
};

/// One feature on the path of an exchange: calls `next` never (it answers), once (it lets pass), or again. Made with
/// the snapshot and immutable: what it counts it has from its maker. One thread per worker; several workers ask it at
/// once.
class HttpFilter {
 public:
  virtual ~HttpFilter() = default;
  virtual io::Task<Result<Response>> handle(Exchange& exchange, Next next) const = 0;
  /// Of an exchange that goes by all the same, on a connection that is relayed: decides and counts as `handle` would,
  /// and tells the exchange's verdicts, as not enforced. What it would bound is in the exchange then. False: it would
  /// have answered by itself, and who stands behind it is not to be asked.
  virtual bool simulate(Exchange& /*exchange*/) const { return true; }
};

/// For who answers by itself.
inline io::Task<Result<Response>> answered(OwnAnswer answer) { co_return Response::of(std::move(answer)); }

inline io::Task<Result<Response>> Next::operator()(Exchange& exchange) const {
  if (rest_.empty()) return forward_->forward(exchange);
  return rest_.front()->handle(exchange, Next(rest_.subspan(1), *forward_));
}

}  // namespace loam::filter
