#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proxy/http/http1_input.h"
#include "proxy/http/message.h"

namespace loam::http {

/// Answers one request. The request lives until the task is done or dropped; a dropped task means that the client or
/// the server has gone. Must not fail: errors are responses.
using Handler = std::function<io::Task<Response>(const Request&)>;

/// What a client may take of a server before it is refused.
struct Http1Limits {
  std::size_t connections = 256;
  std::size_t body = 1024 * 1024;
  std::size_t bodies = 64 * 1024 * 1024;  ///< bytes of all bodies held at one time
  /// From a head's first byte to its last, and from a connection's beginning, handshake included, to its first.
  milliseconds head{10'000};
  milliseconds idle{60'000};      ///< between two requests
  milliseconds transfer{60'000};  ///< for a body to come, and for an answer to be taken
  /// Bytes of body for this request (method, target and headers are known); `body` where it is empty.
  std::function<std::size_t(const Request&)> bodyOf{};
  /// Whether this server goes by that Host (port included, empty when the client names none): 421 where not, so that a
  /// web page cannot rebind its name to this server (E4). All hosts where it is empty.
  std::function<bool(std::string_view)> admitsHost{};
};

/// How a server's connections are secured before their first request is read.
struct Security {
  io::Wrap wrap{};  ///< empty: served as they come
  /// Told of each handshake that failed, with the reason.
  std::function<void(const Peer& peer, const Error& error)> failed{};
};

/// Totals since the server began; for /metrics. The loop's thread.
struct Http1Counters {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;   ///< requests answered by the codec: framing, limits, deadline
  std::uint64_t evicted = 0;   ///< waiting connections let go because new ones came
  std::uint64_t insecure = 0;  ///< handshakes that failed
  std::size_t bodiesHeld = 0;
};

/// One client of the control-side server: reads a request, lets the handler answer it, again and again.
class Http1Connection {
 public:
  /// What the client is waited for, in the order in which connections are let go when there are too many.
  enum class Phase : std::uint8_t { Fresh, Waiting, Handling };

  /// What a connection shares with the others of its server, which outlives it.
  struct Shared {
    const Handler& handler;
    const Http1Limits& limits;
    const Security& security;
    Http1Counters& counters;
    const bool& draining;
  };

  Http1Connection(std::unique_ptr<io::Socket> socket, Peer peer, Shared shared);
  ~Http1Connection();
  Http1Connection(const Http1Connection&) = delete;
  Http1Connection& operator=(const Http1Connection&) = delete;

  /// Until the client or a fault ends it.
  io::Task<void> serve();

  Phase phase() const { return phase_; }
  /// Since when it is in this phase.
  Monotonic since() const { return since_; }
  /// Between two requests, with no byte of the next.
  bool isIdle() const { return idle_; }
  bool isCut() const { return cut_; }
  /// Who is at the other end, as far as he has proved it yet.
  const Peer& peer() const { return peer_; }
  /// Ends it: what it waits for fails at once.
  void cut();

 private:
  /// Why a request is not handled: what to answer; 0: nobody is there to hear it, or nothing was asked.
  static constexpr int kWhole = -1;
  struct Refusal {
    int status = kWhole;
    std::string_view code;
  };

  io::Task<bool> secure();
  io::Task<bool> exchange();
  io::Task<Refusal> receive(Request& request);
  HeadFault takeHead(std::string_view bytes, Request& request, HeadFacts& facts);
  io::Task<Refusal> receiveBody(const HeadFacts& facts, Request& request);
  io::Task<bool> send(const Request& request, const Response& response);
  io::Task<void> refuse(Refusal refusal);
  io::Task<void> sayGoodbye();
  std::string headOf(const Response& response) const;
  void enter(Phase phase);
  void holdBody(std::size_t bytes);

  const Shared shared_;
  const std::unique_ptr<io::ByteStream> stream_;
  Http1Input input_;
  Peer peer_;
  Phase phase_ = Phase::Fresh;
  Monotonic since_;
  std::size_t held_ = 0;
  bool idle_ = true;
  bool cut_ = false;
  bool keepAlive_ = true;
  bool oldClient_ = false;  // HTTP/1.0: has to be told of keep-alive
};

}  // namespace loam::http
