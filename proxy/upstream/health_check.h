#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/io/event_loop.h"
#include "proxy/io/task_scope.h"
#include "proxy/upstream/balancer.h"
#include "proxy/upstream/dialer.h"

namespace loam::upstream {

/// What endpoints are asked, and how often.
struct HealthTerms {
  enum class Kind : std::uint8_t { Tcp, Http };

  Kind kind = Kind::Tcp;                  ///< connects, or asks `path`
  std::string path{};                     ///< Http
  std::string host{};                     ///< Http: what the endpoint is called; empty: its address
  std::vector<std::uint16_t> statuses{};  ///< Http: that are good; empty: 200 to 299
  std::optional<std::uint16_t> port{};    ///< none: the endpoint's own
  nanoseconds interval = seconds(10);
  nanoseconds timeout = seconds(1);
  std::uint32_t healthyAfter = 2;    ///< good answers in a row
  std::uint32_t unhealthyAfter = 3;  ///< failures in a row
};

/// Asks the endpoints of a service whether they are well, again and again as long as it lives, and says so in their
/// states, which count across snapshots how many answers of a kind came in a row. The first question to each comes
/// somewhere within an interval, so that proxies and endpoints do not go in step. What fails on this host (no
/// descriptors left) counts against nobody. One of a proxy is enough: it lives on one worker's loop.
class HealthCheck {
 public:
  /// Starts at once. `loop`, `dialer` and `dice` outlive it.
  HealthCheck(io::EventLoop& loop, HealthTerms terms, std::span<const Member> members, Dialer& dialer, Dice& dice);
  HealthCheck(const HealthCheck&) = delete;
  HealthCheck& operator=(const HealthCheck&) = delete;

  std::uint64_t asked() const { return asked_; }
  std::uint64_t failed() const { return failed_; }

 private:
  /// What an answer says; nothing: it says nothing.
  using Verdict = std::optional<bool>;

  io::Task<void> keepAsking(const Member& member);
  io::Task<Verdict> ask(const Member& member);
  io::Task<Verdict> askHttp(std::unique_ptr<io::ByteStream> stream, SocketAddress address, Monotonic deadline);
  static Verdict verdictOf(const Error& error);
  bool isGood(int status) const;
  nanoseconds jittered();

  io::EventLoop& loop_;
  const HealthTerms terms_;
  const std::vector<Member> members_;
  Dialer& dialer_;
  Dice& dice_;
  std::uint64_t asked_ = 0;
  std::uint64_t failed_ = 0;
  io::TaskScope scope_;  // goes first
};

}  // namespace loam::upstream
