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

namespace loam::filter {

/// Header fields, as they are to be written.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// What filters bound of one exchange.
struct Bounds {
  Monotonic end = Monotonic::max();      ///< by then the answer's last byte has come
  std::optional<milliseconds> answer{};  ///< from the request's last byte to the answer's head
  std::optional<milliseconds> idle{};    ///< without a byte in either direction
  std::string_view rule{};               ///< of `timeouts`, that says so; lives as long as the filters

  bool any() const { return end != Monotonic::max() || answer || idle; }
  void endBy(Monotonic time) { end = std::min(end, time); }
};

/// What filters did to exchanges. One per worker.
struct Tally {
  Counter delayed;  ///< by `fault`, as are the next two
  Counter aborted;
  Counter mocked;
  Counter spared;   ///< that a fault would have held, but enough were held already
  Counter denied;   ///< by `policy`, enforced
  Counter limited;  ///< by `rate_limit`, enforced
};

/// One exchange on its way through the filters. Lives from the request's head to the answer's last byte, on one thread.
struct Exchange {
  io::EventLoop& loop;
  VerdictSink& verdicts;
  Tally& tally;
  ExchangeView view{};  ///< good until the answer goes to the client
  ConnectionView connection{};
  Monotonic began{};       ///< when the request's head had come
  std::uint32_t dice = 0;  ///< drawn for it: what is left to chance goes by that
  Bounds bounds{};
  std::optional<std::string> target{};  ///< what the server is asked for instead of `view.path`
  Fields added{};                       ///< to the head of the server's answer
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
