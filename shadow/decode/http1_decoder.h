#pragma once

#include <memory>
#include <string>

#include "proxy/http/http1_body.h"
#include "proxy/http/http1_head.h"
#include "shadow/decode/pending_requests.h"
#include "shadow/decode/registry.h"
#include "shadow/decode/server_names.h"

namespace loam::decode {

Match matchHttp1(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
std::unique_ptr<Decoder> makeHttp1Decoder(DecoderEvents& events, const DecoderContext& context);

/// HTTP/1.x as it passes: pipelining, HEAD, 1xx, every kind of framing, early answers, CONNECT and Upgrade (to
/// WebSocket and other protocols it turns opaque, to h2c it hands over to the HTTP/2 decoder). Heads are parsed where
/// they lie and copied only when split. The events are the same for every way in which the bytes may be cut. Bound per
/// connection: sizeof (under 400 bytes) + 64 KiB of split heads of both directions together + the pending requests (40
/// KiB at most, under 1 KiB when idle).
class Http1Decoder final : public Decoder {
 public:
  /// A skip count that reaches to the end of a direction whose end still matters.
  static constexpr std::uint64_t kUntilEnd = kOpaque - 1;

  Http1Decoder(DecoderEvents& events, const DecoderContext& context) : events_(events), context_(context) {}

  std::uint64_t feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override;
  void skip(Direction direction, std::uint64_t count, Monotonic now) override;
  void end(Direction direction, Monotonic now) override;
  void close(Monotonic now) override;

 private:
  enum class Phase : std::uint8_t {
    Head,
    Body,
    Hold,      ///< the client's bytes wait for the answer that says whether they are HTTP
    Switched,  ///< another protocol
  };
  struct Side {
    std::string held;  ///< a split head, or what waits in Hold
    Monotonic headStarted;
    http::BodyReader body;
    http::HeadScanner scanner;
    Phase phase = Phase::Head;
  };

  Side& side(Direction direction) { return direction == Direction::Upstream ? up_ : down_; }
  std::uint64_t free(Direction direction);
  std::string_view takeHead(Direction direction, std::string_view bytes, Monotonic now);
  std::string_view takeBody(Direction direction, std::string_view bytes, Monotonic now);
  void holdBack(std::string_view bytes);
  http::HeadFault readHead(Direction direction, std::string_view bytes, Monotonic now, std::size_t& size);
  void requestHead(const http::RequestHead& head, Monotonic now);
  void show(const http::RequestHead& head) const;
  void requestDone(Monotonic now);
  void responseHead(const http::ResponseHead& head, Monotonic now);
  void responseDone(Outcome outcome, Monotonic now);
  void bodyDone(Direction direction, Monotonic now);
  void switchProtocol(const http::ResponseHead& head, Monotonic now);
  void leave(Protocol protocol, Monotonic now);
  void passHeld(Monotonic now);
  void lose(LossReason reason);

  DecoderEvents& events_;
  DecoderContext context_;
  Side up_;
  Side down_;
  PendingRequests pending_;
  ServerNames names_;
  std::unique_ptr<Decoder> successor_;
  std::uint32_t asked_ = 0;     // requests
  std::uint32_t answered_ = 0;  // of them, in their order
  bool lost_ = false;
};

}  // namespace loam::decode
