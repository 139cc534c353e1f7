#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/base/clock.h"
#include "shadow/decode/byte_cursor.h"
#include "shadow/decode/redis_number.h"
#include "shadow/decode/redis_word.h"

namespace loam::decode {

/// Reads a client's stream of Redis commands (arrays of bulk strings, or inline lines) at any segmentation: keeps the
/// beginnings of the first three words and counts the rest. 120 bytes, no allocation.
class RedisCommands {
 public:
  enum class Step : std::uint8_t { NeedMore, Command, Malformed };
  static constexpr std::size_t kWords = 3;

  /// Reads on until a command is whole or the piece is used up.
  Step advance(ByteCursor& cursor, Monotonic now);

  /// After Command: how many words it has, and the beginning of each of the first three, in capitals.
  std::uint64_t words() const { return words_; }
  std::string_view word(std::size_t index) const {
    return index < words_ && index < kWords ? held_[index].text() : std::string_view();
  }
  /// When its first byte passed.
  Monotonic began() const { return began_; }
  /// Between commands: nothing of the next one was seen.
  bool idle() const { return state_ == State::Idle; }
  /// How many bytes need no look now.
  std::uint64_t unseen() const { return state_ == State::Value && kept() ? rest_ : 0; }
  void skip(std::uint64_t count) { rest_ -= std::min(count, unseen()); }

 private:
  enum class State : std::uint8_t { Idle, Count, ValueType, Length, Value, ValueReturn, ValueNewline, Inline };

  Step onByte(std::uint8_t byte, Monotonic now);
  Step onCount(std::uint8_t byte);
  Step onLength(std::uint8_t byte);
  Step onInline(std::uint8_t byte);
  void takeValue(ByteCursor& cursor);
  bool kept() const { return read_ >= kWords || held_[read_].full(); }

  Monotonic began_;
  std::uint64_t words_ = 0;
  std::uint64_t read_ = 0;  ///< words that are over
  std::uint64_t rest_ = 0;  ///< of the value; of an inline line, what it may still grow by
  RedisNumber number_;
  std::array<RedisWord, kWords> held_;
  State state_ = State::Idle;
  bool inWord_ = false;     ///< of an inline line
  std::uint8_t quote_ = 0;  ///< the quote that an inline word is inside of
};

}  // namespace loam::decode
