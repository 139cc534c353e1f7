#include "shadow/decode/redis_replies.h"

#include <algorithm>
#include <limits>

namespace loam::decode {
namespace {

constexpr std::uint32_t kMostLine = 64 * 1024;
constexpr std::int64_t kMostElements = std::numeric_limits<std::int32_t>::max();

}  // namespace

RedisReplies::Step RedisReplies::advance(ByteCursor& cursor, Monotonic now) {
  for (;;) {
    Step step = Step::NeedMore;
    if (state_ == State::Bulk) {
      takeBulk(cursor);
      if (rest_ > 0) return Step::NeedMore;
      step = onElementEnd();
    } else if (cursor.empty()) {
      return Step::NeedMore;
    } else if (state_ == State::Line) {
      step = takeLine(cursor);
    } else if (state_ == State::Type) {
      step = onType(cursor.next(), now);
    } else {
      step = onLength(cursor.next());
    }
    if (step != Step::NeedMore) return step;
  }
}

RedisReplies::Step RedisReplies::onType(std::uint8_t byte, Monotonic now) {
  if (!inValue_) {
    inValue_ = true;
    began_ = now;
    elements_ = 0;
    innerNumber_ = 0;
    word_.clear();
  }
  element_ = static_cast<char>(byte);
  if (depth_ == 0 && element_ != '|') type_ = element_;
  const bool inString = depth_ > 0 && frames_[depth_ - 1] == Frame::StreamedString;
  if (inString != (element_ == ';')) return Step::Malformed;
  switch (element_) {
    case '.':
      if (depth_ == 0 || frames_[depth_ - 1] != Frame::Streamed) return Step::Malformed;
      [[fallthrough]];
    case '+':
    case '-':
    case '_':
    case '#':
    case ',':
    case '(':
    case ':':
      line_ = 0;
      state_ = State::Line;
      return Step::NeedMore;
    case '$':
    case '=':
    case '!':
    case ';':
    case '*':
    case '~':
    case '>':
    case '%':
    case '|':
      number_.begin();
      state_ = State::Length;
      return Step::NeedMore;
    default:
      return Step::Malformed;
  }
}

RedisReplies::Step RedisReplies::takeLine(ByteCursor& cursor) {
  const Bytes rest = cursor.rest();
  const auto end = std::find(rest.begin(), rest.end(), '\n');
  const std::size_t size = static_cast<std::size_t>(end - rest.begin());
  if (directlyInside()) keepLine(rest.first(size));
  if (size > kMostLine - line_) return Step::Malformed;
  line_ += static_cast<std::uint32_t>(size);
  cursor.take(size + 1);
  if (end == rest.end()) return Step::NeedMore;
  if (element_ != '.') return onElementEnd();
  --depth_;  // a streamed aggregate is over, and is an element itself
  return onElementEnd();
}

/// What a pub/sub message tells itself by: its first element, and its last number.
void RedisReplies::keepLine(Bytes piece) {
  if (element_ == '+' && elements_ == 0) {
    for (std::size_t i = 0; i < piece.size() && piece[i] != '\r'; ++i) word_.add(piece[i]);
  }
  if (element_ != ':') return;
  if (line_ == 0) innerNumber_ = 0;
  for (const std::uint8_t byte : piece) {
    if (byte >= '0' && byte <= '9') innerNumber_ = innerNumber_ * 10 + (byte - '0');
  }
}

RedisReplies::Step RedisReplies::onLength(std::uint8_t byte) {
  const RedisNumber::Step step = number_.onByte(byte);
  if (step == RedisNumber::Step::Malformed) return Step::Malformed;
  if (step == RedisNumber::Step::More) return Step::NeedMore;
  const std::int64_t value = number_.value();
  if (element_ != '$' && element_ != '=' && element_ != '!' && element_ != ';') return onAggregate(value);
  if (element_ == '$' && value == RedisNumber::kStreamed) return open(Frame::StreamedString, 0);
  if (value < 0) return value == -1 && element_ != ';' ? onElementEnd() : Step::Malformed;
  if (element_ == ';' && value == 0) {
    --depth_;  // the streamed string's last, empty chunk
    return onElementEnd();
  }
  rest_ = static_cast<std::uint64_t>(value) + 2;  // with its CRLF
  keeping_ = directlyInside() && elements_ == 0 && value > 0;
  state_ = State::Bulk;
  return Step::NeedMore;
}

RedisReplies::Step RedisReplies::onAggregate(std::int64_t count) {
  if (count == RedisNumber::kStreamed) return element_ == '|' ? Step::Malformed : open(Frame::Streamed, 0);
  if (count > kMostElements / 2 || count < -1) return Step::Malformed;
  const bool attribute = element_ == '|';
  if (count <= 0) {
    if (!attribute) return onElementEnd();
    state_ = State::Type;
    return Step::NeedMore;
  }
  const bool pairs = attribute || element_ == '%';
  return open(attribute ? Frame::Attribute : Frame::Counted, static_cast<std::uint64_t>(count) * (pairs ? 2 : 1));
}

RedisReplies::Step RedisReplies::open(Frame frame, std::uint64_t elements) {
  if (depth_ == kMostDepth) return Step::TooDeep;
  frames_[depth_] = frame;
  left_[depth_] = static_cast<std::uint32_t>(elements);
  ++depth_;
  state_ = State::Type;
  return Step::NeedMore;
}

void RedisReplies::takeBulk(ByteCursor& cursor) {
  const Bytes taken = cursor.take(rest_);
  constexpr std::uint64_t kLineEnd = 2;
  const std::uint64_t left = rest_ - std::min(rest_, kLineEnd);
  for (std::size_t i = 0; keeping_ && i < std::min<std::uint64_t>(taken.size(), left); ++i) word_.add(taken[i]);
  rest_ -= taken.size();
  if (word_.full() || rest_ <= kLineEnd) keeping_ = false;
}

/// Closes every aggregate that this was the last element of.
RedisReplies::Step RedisReplies::onElementEnd() {
  state_ = State::Type;
  while (depth_ > 0) {
    const std::size_t top = depth_ - 1u;
    if (frames_[top] == Frame::Streamed || frames_[top] == Frame::StreamedString) return Step::NeedMore;
    if (directlyInside()) ++elements_;
    if (--left_[top] > 0) return Step::NeedMore;
    --depth_;
    if (frames_[top] == Frame::Attribute) return Step::NeedMore;  // what it describes follows
  }
  inValue_ = false;
  return Step::Reply;
}

}  // namespace loam::decode
