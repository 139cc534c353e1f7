#include "proxy/http/h2_frame_reader.h"

#include <algorithm>
#include <cstring>

namespace loam::http {
namespace {

void append(std::string& to, std::span<const std::uint8_t> bytes) {
  to.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::span<const std::uint8_t> bytesOf(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

FrameReader::Step FrameReader::next(Bytes bytes) {
  std::size_t before = 0;
  if (phase_ == Phase::Header) {
    // A split payload's copy served the step before; it is not kept between frames.
    if (headerSize_ == 0 && !held_.empty()) std::string().swap(held_);
    if (!inBlock_ && !block_.empty()) std::string().swap(block_);
    before = std::min<std::size_t>(kFrameHeaderSize - headerSize_, bytes.size());
    if (before > 0) std::memcpy(header_.data() + headerSize_, bytes.data(), before);
    headerSize_ = static_cast<std::uint8_t>(headerSize_ + before);
    if (headerSize_ < kFrameHeaderSize) return {before, Kind::NeedMore, false, FrameFault::None, {}, 0, {}};
    headerSize_ = 0;
    bytes = bytes.subspan(before);
    Step started = startFrame();
    if (started.kind == Kind::Fault || phase_ == Phase::Header) {
      started.consumed = before;
      return started;
    }
  }
  Step step = takePayload(bytes);
  step.consumed += before;
  return step;
}

/// Reads header_; for frames without payload, the whole step.
FrameReader::Step FrameReader::startFrame() {
  frame_ = parseFrameHeader(header_);
  left_ = frame_.length;
  const bool unknown = frame_.type > FrameType::Continuation;
  const bool data = frame_.type == FrameType::Data;
  FrameFault wrong = checkSequence();
  if (wrong == FrameFault::None) wrong = checkFrame(frame_);
  if (frame_.length > (data || unknown ? limits_.data : limits_.control)) wrong = FrameFault::Size;
  if (wrong != FrameFault::None) return fault(wrong);
  started_ = true;
  if (unknown) {
    phase_ = left_ > 0 ? Phase::Unknown : Phase::Header;
    return {};
  }
  if (!data) {
    phase_ = Phase::Payload;
    return left_ > 0 ? Step{} : finishPayload({});
  }
  padding_ = 0;
  if (frame_.has(kFlagPadded)) {
    if (left_ == 0) return fault(FrameFault::Padding);
    phase_ = Phase::PadLength;
    return {};
  }
  phase_ = Phase::Content;
  return left_ > 0 ? Step{} : dataEnd(0);
}

FrameReader::Step FrameReader::takePayload(Bytes bytes) {
  if (bytes.empty()) return {};
  Step step;
  if (phase_ == Phase::PadLength) {
    padding_ = bytes[0];
    --left_;
    if (padding_ > left_) return fault(FrameFault::Padding);
    left_ -= padding_;
    phase_ = left_ > 0 ? Phase::Content : Phase::Padding;
    if (phase_ == Phase::Padding) left_ = padding_;
    if (left_ == 0) return dataEnd(1);
    step.consumed = 1;
    return step;
  }
  const std::size_t taken = std::min<std::size_t>(left_, bytes.size());
  const Bytes piece = bytes.first(taken);
  if (phase_ == Phase::Payload) {
    const bool whole = taken == frame_.length;
    if (!whole) append(held_, piece);
    left_ -= static_cast<std::uint32_t>(taken);
    if (left_ == 0) step = finishPayload(whole ? piece : bytesOf(held_));
    step.consumed = taken;
    return step;
  }
  const bool content = phase_ == Phase::Content;
  step = skip(static_cast<std::uint32_t>(taken));
  step.consumed = taken;
  if (content) {
    step.kind = Kind::Data;
    step.frame = frame_;
    step.payload = piece;
  }
  return step;
}

FrameReader::Step FrameReader::finishPayload(Bytes payload) {
  phase_ = Phase::Header;
  switch (frame_.type) {
    case FrameType::Headers:
    case FrameType::PushPromise:
    case FrameType::Continuation:
      return finishBlockFrame(payload);
    default:
      return {0, Kind::Control, true, FrameFault::None, frame_, 0, payload};
  }
}

FrameReader::Step FrameReader::finishBlockFrame(Bytes payload) {
  if (frame_.type == FrameType::Continuation) {
    if (++continuations_ > limits_.frames) return fault(FrameFault::Flood);
  } else {
    if (const FrameFault wrong = strip(payload); wrong != FrameFault::None) return fault(wrong);
    first_ = frame_;
    continuations_ = 0;
  }
  if (block_.size() + payload.size() > limits_.block) return fault(FrameFault::Flood);
  inBlock_ = !frame_.has(kFlagEndHeaders);
  const bool alone = !inBlock_ && frame_.type != FrameType::Continuation;
  if (!alone) append(block_, payload);
  if (inBlock_) return {};
  return {0, Kind::Block, true, FrameFault::None, first_, promised_, alone ? payload : bytesOf(block_)};
}

/// Takes padding, priority and the promised stream off the first frame of a block.
FrameFault FrameReader::strip(Bytes& payload) {
  promised_ = 0;
  std::size_t padding = 0;
  if (frame_.has(kFlagPadded)) {
    if (payload.empty()) return FrameFault::Padding;
    padding = payload[0];
    payload = payload.subspan(1);
  }
  const bool promise = frame_.type == FrameType::PushPromise;
  const std::size_t prefix = promise ? 4 : frame_.has(kFlagPriority) ? 5 : 0;
  if (payload.size() < prefix) return FrameFault::Size;
  if (promise) promised_ = readUint32(payload) & 0x7fffffff;
  payload = payload.subspan(prefix);
  if (padding > payload.size()) return FrameFault::Padding;
  payload = payload.first(payload.size() - padding);
  return FrameFault::None;
}

FrameFault FrameReader::checkSequence() const {
  if (!started_ && (frame_.type != FrameType::Settings || frame_.has(kFlagAck))) return FrameFault::Preface;
  const bool continues = frame_.type == FrameType::Continuation;
  if (continues != inBlock_ || (continues && frame_.stream != first_.stream)) return FrameFault::Sequence;
  return FrameFault::None;
}

std::uint32_t FrameReader::unseen() const {
  switch (phase_) {
    case Phase::Content:
      return left_ + padding_;
    case Phase::Padding:
    case Phase::Unknown:
      return left_;
    default:
      return 0;
  }
}

FrameReader::Step FrameReader::skip(std::uint32_t count) {
  if (count > unseen()) return fault(FrameFault::Sequence);
  if (count < left_) {
    left_ -= count;
    return {};
  }
  count -= left_;
  left_ = 0;
  if (phase_ == Phase::Unknown) {
    phase_ = Phase::Header;
    return {};
  }
  if (phase_ == Phase::Content && padding_ > count) {
    phase_ = Phase::Padding;
    left_ = padding_ - count;
    return {};
  }
  return dataEnd(0);
}

FrameReader::Step FrameReader::dataEnd(std::size_t consumed) {
  phase_ = Phase::Header;
  return {consumed, Kind::Data, true, FrameFault::None, frame_, 0, {}};
}

FrameReader::Step FrameReader::fault(FrameFault fault) {
  Step step;
  step.kind = Kind::Fault;
  step.fault = fault;
  return step;
}

}  // namespace loam::http
