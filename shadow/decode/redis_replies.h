#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/base/clock.h"
#include "shadow/decode/byte_cursor.h"
#include "shadow/decode/redis_number.h"
#include "shadow/decode/redis_word.h"

namespace loam::decode {

/// Reads a server's stream of RESP2 and RESP3 values at any segmentation and tells when one at the top level is whole;
/// of its inside it keeps what tells a pub/sub message: the first element's beginning and the last number. 200 bytes,
/// no allocation.
class RedisReplies {
 public:
  enum class Step : std::uint8_t { NeedMore, Reply, Malformed, TooDeep };
  static constexpr std::size_t kMostDepth = 24;

  /// Reads on until a value is whole or the piece is used up.
  Step advance(ByteCursor& cursor, Monotonic now);

  /// After Reply: its type byte ('+', '-', '*', '>', ...); attributes before it are no part of it.
  char type() const { return type_; }
  /// The beginning of an aggregate's first element, in capitals; empty when that is no string.
  std::string_view firstWord() const { return word_.text(); }
  /// The last number directly in an aggregate, its sign dropped; 0 when there is none.
  std::uint64_t number() const { return innerNumber_; }
  /// When its first byte passed.
  Monotonic began() const { return began_; }
  /// How many bytes need no look now.
  std::uint64_t unseen() const { return state_ == State::Bulk && !keeping_ ? rest_ : 0; }
  void skip(std::uint64_t count) { rest_ -= std::min(count, unseen()); }

 private:
  enum class State : std::uint8_t { Type, Line, Length, Bulk };
  /// What an open aggregate is, beside how many elements it still has.
  enum class Frame : std::uint8_t { Counted, Streamed, StreamedString, Attribute };

  Step onType(std::uint8_t byte, Monotonic now);
  Step onLength(std::uint8_t byte);
  Step onAggregate(std::int64_t count);
  Step open(Frame frame, std::uint64_t elements);
  void takeBulk(ByteCursor& cursor);
  Step takeLine(ByteCursor& cursor);
  void keepLine(Bytes piece);
  Step onElementEnd();
  bool directlyInside() const { return depth_ == 1 && frames_[0] == Frame::Counted; }

  Monotonic began_;
  std::uint64_t rest_ = 0;
  std::uint64_t innerNumber_ = 0;
  RedisNumber number_;
  std::array<std::uint32_t, kMostDepth> left_{};
  std::array<Frame, kMostDepth> frames_{};
  RedisWord word_;
  std::uint32_t elements_ = 0;  ///< that ended directly inside the value
  std::uint32_t line_ = 0;      ///< length of the line so far
  std::uint8_t depth_ = 0;
  State state_ = State::Type;
  char type_ = 0;
  char element_ = 0;  ///< type byte of what is being read
  bool inValue_ = false;
  bool keeping_ = false;  ///< the bulk string is the first element, and more of it is wanted
};

}  // namespace loam::decode
