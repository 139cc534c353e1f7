#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace loam::http {

enum class FrameType : std::uint8_t {
  Data = 0,
  Headers = 1,
  Priority = 2,
  RstStream = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  GoAway = 7,
  WindowUpdate = 8,
  Continuation = 9,
};

constexpr std::uint8_t kFlagEndStream = 0x1;
constexpr std::uint8_t kFlagAck = 0x1;
constexpr std::uint8_t kFlagEndHeaders = 0x4;
constexpr std::uint8_t kFlagPadded = 0x8;
constexpr std::uint8_t kFlagPriority = 0x20;

constexpr std::size_t kFrameHeaderSize = 9;
constexpr std::uint32_t kMostFramePayload = (1u << 24) - 1;
/// What a client says first, ahead of its first frame.
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The nine bytes ahead of each frame's payload.
struct FrameHeader {
  std::uint32_t length = 0;
  std::uint32_t stream = 0;
  FrameType type = FrameType::Data;
  std::uint8_t flags = 0;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  bool operator==(const FrameHeader&) const = default;
};

/// The reserved bit is ignored.
FrameHeader parseFrameHeader(std::span<const std::uint8_t, kFrameHeaderSize> bytes);
std::array<std::uint8_t, kFrameHeaderSize> serialise(const FrameHeader& header);

/// Four bytes in network order.
std::uint32_t readUint32(std::span<const std::uint8_t> bytes);

enum class FrameFault : std::uint8_t {
  None,
  Preface,   ///< the first frame is not SETTINGS
  Size,      ///< FRAME_SIZE_ERROR: past the limit, or not what its type has
  Stream,    ///< on stream 0 where it may not be, or the reverse
  Padding,   ///< reaches past the payload
  Sequence,  ///< CONTINUATION without HEADERS, or another frame before END_HEADERS
  Flood,     ///< header block past its limits
};

/// Whether length and stream are what the type has; a frame of unknown type always is.
FrameFault checkFrame(const FrameHeader& header);

}  // namespace loam::http
