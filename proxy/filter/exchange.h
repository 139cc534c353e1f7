#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/counter.h"
#include "proxy/filter/connection_filter.h"
#include "proxy/filter/exchange_view.h"
#include "proxy/io/event_loop.h"
#include "proxy/upstream/caps.h"
#include "proxy/upstream/in_flight.h"

namespace loam::filter {

/// Header fields, as they are to be written.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// What filters bound of one exchange.
struct Bounds {
  Monotonic end = Monotonic::max();       ///< by then the answer's last byte has come
  Monotonic head = Monotonic::max();      ///< by then its head has come, or this sending is over
  std::optional<milliseconds> connect{};  ///< of a sending, until there is a connection to its server
  std::optional<milliseconds> answer{};   ///< from the request's last byte to the answer's head
  std::optional<milliseconds> idle{};     ///< without a byte in either direction
  std::string_view rule{};                ///< of `timeouts`, that says so; lives as long as the filters

  bool any() const { return end != Monotonic::max() || answer || idle; }
  void endBy(Monotonic time) { end = std::min(end, time); }
  void connectWithin(milliseconds time) { connect = std::min(connect.value_or(time), time); }
};

/// What filters did to exchanges. One per worker.
struct Tally {
  Counter delayed;  ///< by `fault`, as are the next two
  Counter aborted;
  Counter mocked;
  Counter spared;            ///< that a fault would have held, but enough were held already
  Counter denied;            ///< by `policy`, enforced
  Counter limited;           ///< by `rate_limit`, enforced
  Counter repeated;          ///< by `retries`, as are the next two: sendings, the first of each exchange not counted
  Counter rescued;           ///< exchanges that one of those brought to an answer that needs no other
  Counter unaffordable;      ///< repeats that the budget did not allow
  Counter routed;            ///< to another service, by `routing`
  Counter overridden;        ///< to a developer's copy
  Counter overriddenInVain;  ///< of those, that went the usual way since it was gone
  Counter capped;            ///< by `circuit_breaking`
  Counter withoutEndpoint;   ///< refused, since none was fit to be asked
};

/// What one sending of a request came to, for who thinks of another.
struct Sending {
  bool reached = false;     ///< a server may have seen bytes of it
  bool repeatable = false;  ///< all of it that went on is kept, and nothing of an answer has gone to the client
};

/// One exchange on its way through the filters. Lives from the request's head to the answer's last byte, on one thread.
struct Exchange {
  io::EventLoop& loop;
  VerdictSink& verdicts;
  Tally& tally;
  ExchangeView view{};  ///< good until the answer goes to the client; of that, until the next sending
  ConnectionView connection{};
  Monotonic began{};       ///< when the request's head had come
  std::uint32_t dice = 0;  ///< drawn for it: what is left to chance goes by that
  Bounds bounds{};
  std::optional<std::string> target{};    ///< what the server is asked for instead of `view.path`
  std::optional<SocketAddress> server{};  ///< who is asked instead of whom the client wanted to
  Fields added{};                         ///< to the head of the server's answer
  std::size_t keeps = 0;                  ///< bytes of its body, for another sending; set before the first
  Sending sending{};                      ///< the last one
  std::vector<std::size_t> tried{};       ///< places of endpoints that sendings went to
  upstream::CapPlace place{};             ///< among what its service may have under way
  upstream::InFlight flight{};            ///< of the endpoint that it is with
};

/// An answer that the proxy gives instead of the server's. Its frame is not the filter's: it has a content-length, and
/// says by itself whether the connection goes on.
struct OwnAnswer {
  std::uint16_t status = 0;
  std::string cause{};  ///< `loam-cause`: the feature, and behind a colon the rule or what it did
  Fields headers{};
  std::string body{};
};

/// What is to go to the client, before a byte of it did.
struct Response {
  enum class From : std::uint8_t {
    Server,   ///< what stands there for it, as it came
    Proxy,    ///< `own`
    Nowhere,  ///< nothing: the connection is reset
  };

  From from = From::Server;
  std::uint16_t status = 0;  ///< of the server's
  std::unique_ptr<OwnAnswer> own{};

  static Response of(OwnAnswer answer) {
    return {From::Proxy, answer.status, std::make_unique<OwnAnswer>(std::move(answer))};
  }
  static Response reset() { return {From::Nowhere, 0, nullptr}; }
};

}  // namespace loam::filter
