#pragma once

#include <string>

#include "proxy/http/h2_frame.h"

namespace loam::http {

/// Reads frames from bytes in pieces of any size: control frames whole, DATA as it comes without padding, header blocks
/// put together from HEADERS or PUSH_PROMISE and their CONTINUATIONs without padding and priority. Frames of unknown
/// type are passed over; the first has to be SETTINGS. Copies only what is split. Bound: the greater of the two payload
/// limits; nothing is kept between frames.
class FrameReader {
 public:
  using Bytes = std::span<const std::uint8_t>;

  struct Limits {
    std::uint32_t data = 16 * 1024;     ///< payload of a DATA frame or one of unknown type
    std::uint32_t control = 16 * 1024;  ///< payload of any other frame
    std::uint32_t block = 64 * 1024;    ///< payloads of a header block together
    std::uint8_t frames = 8;            ///< CONTINUATIONs of a block
  };

  enum class Kind : std::uint8_t {
    NeedMore,
    Control,  ///< payload: all of it
    Block,    ///< payload: the compressed fields; `frame` is the first one's, `promised` a pushed stream
    Data,     ///< payload: the next content; `ended` with the frame's last byte
    Fault,    ///< `fault` says which; the reader is of no use after it
  };
  struct Step {
    std::size_t consumed = 0;
    Kind kind = Kind::NeedMore;
    bool ended = false;
    FrameFault fault = FrameFault::None;
    FrameHeader frame;
    std::uint32_t promised = 0;
    Bytes payload;  ///< valid until the next call and while the given bytes are
  };

  explicit FrameReader(const Limits& limits) : limits_(limits) {}

  /// Takes bytes up to the next thing to tell. Call again while bytes are left.
  Step next(Bytes bytes);
  /// Bytes from here that are a DATA frame's (padding included) or a passed-over frame's.
  std::uint32_t unseen() const;
  /// `count` of them went by. Data with `ended` when that was the frame's last byte, else NeedMore.
  Step skip(std::uint32_t count);
  /// Whether the next byte starts a frame that continues no block.
  bool idle() const { return phase_ == Phase::Header && headerSize_ == 0 && !inBlock_; }

 private:
  enum class Phase : std::uint8_t { Header, PadLength, Content, Padding, Payload, Unknown };

  Step startFrame();
  Step takePayload(Bytes bytes);
  Step finishPayload(Bytes payload);
  Step finishBlockFrame(Bytes payload);
  FrameFault checkSequence() const;
  FrameFault strip(Bytes& payload);
  Step dataEnd(std::size_t consumed);
  static Step fault(FrameFault fault);

  Limits limits_;
  std::string held_;   ///< a split payload
  std::string block_;  ///< a block of several frames
  FrameHeader frame_;
  FrameHeader first_;  ///< of the block
  std::uint32_t left_ = 0;
  std::uint32_t promised_ = 0;
  std::uint8_t padding_ = 0;
  std::uint8_t continuations_ = 0;
  std::uint8_t headerSize_ = 0;
  bool inBlock_ = false;
  bool started_ = false;
  Phase phase_ = Phase::Header;
  std::array<std::uint8_t, kFrameHeaderSize> header_{};
};

}  // namespace loam::http
