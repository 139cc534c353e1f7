#pragma once

#include <memory>

#include "proxy/http/h2_frame_reader.h"
#include "proxy/http/hpack.h"
#include "shadow/decode/registry.h"
#include "shadow/decode/server_names.h"
#include "shadow/decode/stream_table.h"

namespace loam::decode {

Match matchHttp2(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
std::unique_ptr<Decoder> makeHttp2Decoder(DecoderEvents& events, const DecoderContext& context);

/// The HTTP/1 request that asked for h2c; its answer is stream 1's.
struct UpgradedRequest {
  std::string_view method;
  std::string_view path;
  Monotonic started;
};

/// HTTP/2 as it passes, with prior knowledge or after an h2c upgrade; calls come from the client's odd streams, pushed
/// streams are read past. gRPC is known by its content type and judged by grpc-status.
/// Bound per connection: sizeof (under 800 bytes) + two HPACK tables (64 KiB each where the peers chose so, 4 KiB and
/// less otherwise) + 64 KiB of split frames a direction + the stream table (250 KiB at most, nothing when idle).
class Http2Decoder final : public Decoder {
 public:
  Http2Decoder(DecoderEvents& events, const DecoderContext& context);
  Http2Decoder(DecoderEvents& events, const DecoderContext& context, const UpgradedRequest& request);

  std::uint64_t feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override;
  void skip(Direction direction, std::uint64_t count, Monotonic now) override;
  void end(Direction direction, Monotonic now) override;
  void close(Monotonic now) override;

 private:
  struct Side {
    explicit Side(const http::FrameReader::Limits& limits);

    http::FrameReader reader;
    http::HpackInflater inflater;
    Monotonic blockAt;  ///< when the first byte of the frame or block passed
  };

  Side& side(Direction direction) { return direction == Direction::Upstream ? up_ : down_; }
  std::size_t takePreface(std::span<const std::uint8_t> bytes);
  void take(Direction direction, const http::FrameReader::Step& step, Monotonic now);
  void takeBlock(Direction direction, const http::FrameReader::Step& step, Monotonic now);
  void takeRequest(std::uint32_t id, std::span<const http::HeaderField> fields);
  void takeResponse(const http::FrameHeader& frame, std::span<const http::HeaderField> fields, Monotonic now);
  void noteGrpc(OpenStream& stream, std::string_view contentType);
  void finish(OpenStream stream, Outcome outcome, Monotonic now);
  void lose(LossReason reason);

  DecoderEvents& events_;
  DecoderContext context_;
  Side up_;
  Side down_;
  StreamTable streams_;
  ServerNames names_;
  std::uint32_t lastStream_ = 0;
  std::uint8_t prefaceSize_ = 0;
  bool grpcTold_ = false;
  bool lost_ = false;
};

}  // namespace loam::decode
