#include "proxy/http/h2_frame.h"

namespace loam::http {

FrameHeader parseFrameHeader(std::span<const std::uint8_t, kFrameHeaderSize> bytes) {
  FrameHeader header;
  header.length = static_cast<std::uint32_t>(bytes[0]) << 16 | static_cast<std::uint32_t>(bytes[1]) << 8 | bytes[2];
  header.type = static_cast<FrameType>(bytes[3]);
  header.flags = bytes[4];
  header.stream = readUint32(bytes.subspan<5, 4>()) & 0x7fffffff;
  return header;
}

std::array<std::uint8_t, kFrameHeaderSize> serialise(const FrameHeader& header) {
  const auto byte = [](std::uint32_t value, int shift) { return static_cast<std::uint8_t>(value >> shift); };
  return {byte(header.length, 16),
          byte(header.length, 8),
          byte(header.length, 0),
          static_cast<std::uint8_t>(header.type),
          header.flags,
          byte(header.stream, 24),
          byte(header.stream, 16),
          byte(header.stream, 8),
          byte(header.stream, 0)};
}

std::uint32_t readUint32(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

FrameFault checkFrame(const FrameHeader& header) {
  const bool onStream = header.stream != 0;
  bool sizeFits = true;
  bool streamFits = true;
  switch (header.type) {
    case FrameType::Data:
    case FrameType::Headers:
    case FrameType::PushPromise:
    case FrameType::Continuation:
      streamFits = onStream;
      break;
    case FrameType::Priority:
      sizeFits = header.length == 5;
      streamFits = onStream;
      break;
    case FrameType::RstStream:
      sizeFits = header.length == 4;
      streamFits = onStream;
      break;
    case FrameType::Settings:
      sizeFits = header.has(kFlagAck) ? header.length == 0 : header.length % 6 == 0;
      streamFits = !onStream;
      break;
    case FrameType::Ping:
      sizeFits = header.length == 8;
      streamFits = !onStream;
      break;
    case FrameType::GoAway:
      sizeFits = header.length >= 8;
      streamFits = !onStream;
      break;
    case FrameType::WindowUpdate:
      sizeFits = header.length == 4;
      break;
    default:
      break;
  }
  if (!streamFits) return FrameFault::Stream;
  return sizeFits ? FrameFault::None : FrameFault::Size;
}

}  // namespace loam::http
