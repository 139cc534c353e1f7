#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/filters/serve.h"
#include "proxy/http/http1_body.h"
#include "proxy/relay/tap.h"
#include "proxy/serve/fault.h"

namespace loam::serve {

/// Reads a connection of HTTP/1 that is relayed as Serving would if it were served: by the same parser, framing and
/// limits, of which it tells what would be refused. As Serving it ends with that; at another protocol, a tunnel, or the
/// last exchange that the connection can have it is out of the way too. It refuses nothing that ends by itself. Bound:
/// a head of `max_head` in pieces for each direction, given back when it is whole, and kMostAsked small marks. One
/// thread, no waiting.
class StrictReader {
 public:
  static constexpr std::size_t kMostAsked = 1024;  ///< requests before their answers; with more it gives up
  /// What is to be seen of the rest of a direction's bytes: nothing.
  static constexpr std::uint64_t kOpaque = relay::Tap::kOpaque;
  /// Told at most once: the reason as `loam_serve_refused_total` has it, or "foreign" where that would be refused.
  using Refused = std::function<void(std::string_view why)>;

  /// `fields`: room for those of one head, shared with others of the thread; it outlives this.
  StrictReader(std::shared_ptr<const filters::ServeSettings> settings, std::vector<http::HeaderField>& fields,
               Refused refused);

  /// The next bytes of a direction. Returns how many behind them need no look; those come to skip(), or here.
  std::uint64_t feed(relay::Direction direction, std::string_view bytes, Monotonic now);
  void skip(relay::Direction direction, std::uint64_t count, Monotonic now);
  /// A direction ended in order.
  void end(relay::Direction direction, Monotonic now);
  /// The connection is over.
  void close(Monotonic now);
  /// False: it is out of the way.
  bool isReading() const { return isReading_; }

 private:
  enum class Phase : std::uint8_t {
    Head,
    Body,
    Hold,  ///< the client's bytes wait for the answer that may make them a tunnel's
  };
  struct Side {
    std::string held;  ///< of a head in pieces; of what waits
    http::HeadScanner scanner;
    http::BodyReader body;
    Monotonic began;  ///< the head that is held
    Phase phase = Phase::Head;
  };
  /// Of a request, as far as its answer has to know.
  struct Asked {
    bool head = false;
    bool connect = false;
    bool keepsAlive = false;
  };

  Side& side(relay::Direction direction) { return direction == relay::Direction::Upstream ? up_ : down_; }
  std::uint64_t unseen(relay::Direction direction);
  void take(relay::Direction direction, std::string_view bytes, Monotonic now);
  /// Both return what is left of the bytes.
  std::string_view takeHead(relay::Direction direction, std::string_view bytes, Monotonic now);
  std::string_view takeBody(relay::Direction direction, std::string_view bytes, Monotonic now);
  std::string_view passLineEnds(std::string_view bytes);
  void hold(std::string_view bytes);
  void judgeRequest(std::string_view head);
  void judgeAnswer(std::string_view head, Monotonic now);
  /// Goes on where a body is over; nothing while it is not.
  void settle(relay::Direction direction, Monotonic now);
  void answered(Monotonic now);
  /// False once something took too long.
  bool isInTime(Monotonic now);
  std::span<http::HeaderField> fields() const { return std::span(fields_).first(settings_->maxFields); }
  void foreign();
  void refuse(std::string_view why);
  void refuse(Fault fault) { refuse(refusalOf(fault).detail); }
  void leave();

  const std::shared_ptr<const filters::ServeSettings> settings_;
  std::vector<http::HeaderField>& fields_;
  const Refused refused_;
  Side up_;
  Side down_;
  std::vector<Asked> asked_;  // in their order, without an answer that is over
  Monotonic moved_{};
  std::size_t lineEnds_ = 0;
  unsigned interims_ = 0;
  bool first_ = true;         // no request was read yet
  bool mayTunnel_ = false;    // the last one may make a tunnel of the connection
  bool isAnswering_ = false;  // a final answer's head has passed, and not all of its body
  bool isReading_ = true;
};

}  // namespace loam::serve
