#include "shadow/decode/redis_commands.h"

#include <limits>

namespace loam::decode {
namespace {

constexpr std::int64_t kMostWords = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kMostInline = 64 * 1024;  // the server's own limit

}  // namespace

RedisCommands::Step RedisCommands::advance(ByteCursor& cursor, Monotonic now) {
  for (;;) {
    if (state_ == State::Value) {
      takeValue(cursor);
      if (rest_ > 0) return Step::NeedMore;
      state_ = State::ValueReturn;
    }
    if (cursor.empty()) return Step::NeedMore;
    const Step step = onByte(cursor.next(), now);
    if (step != Step::NeedMore) return step;
  }
}

RedisCommands::Step RedisCommands::onByte(std::uint8_t byte, Monotonic now) {
  switch (state_) {
    case State::Idle:
      began_ = now;
      words_ = 0;
      read_ = 0;
      number_.begin();
      if (byte == '*') {
        state_ = State::Count;
        return Step::NeedMore;
      }
      state_ = State::Inline;
      rest_ = kMostInline;
      inWord_ = false;
      quote_ = 0;
      return onInline(byte);
    case State::Count:
      return onCount(byte);
    case State::ValueType:
      if (byte != '$') return Step::Malformed;
      number_.begin();
      state_ = State::Length;
      return Step::NeedMore;
    case State::Length:
      return onLength(byte);
    case State::ValueReturn:
      state_ = State::ValueNewline;
      return byte == '\r' ? Step::NeedMore : Step::Malformed;
    case State::ValueNewline:
      if (byte != '\n') return Step::Malformed;
      state_ = ++read_ == words_ ? State::Idle : State::ValueType;
      return state_ == State::Idle ? Step::Command : Step::NeedMore;
    case State::Inline:
      return onInline(byte);
    case State::Value:
      break;
  }
  return Step::Malformed;
}

RedisCommands::Step RedisCommands::onCount(std::uint8_t byte) {
  const RedisNumber::Step step = number_.onByte(byte);
  if (step == RedisNumber::Step::More) return Step::NeedMore;
  const std::int64_t count = number_.value();
  if (step == RedisNumber::Step::Malformed || count == RedisNumber::kStreamed || count > kMostWords)
    return Step::Malformed;
  // Nothing is asked by an empty array, and nothing answered.
  state_ = count <= 0 ? State::Idle : State::ValueType;
  words_ = static_cast<std::uint64_t>(count);
  return Step::NeedMore;
}

RedisCommands::Step RedisCommands::onLength(std::uint8_t byte) {
  const RedisNumber::Step step = number_.onByte(byte);
  if (step == RedisNumber::Step::More) return Step::NeedMore;
  if (step == RedisNumber::Step::Malformed || number_.value() < 0) return Step::Malformed;
  rest_ = static_cast<std::uint64_t>(number_.value());
  if (read_ < kWords) held_[read_].clear();
  state_ = State::Value;
  return Step::NeedMore;
}

void RedisCommands::takeValue(ByteCursor& cursor) {
  const Bytes taken = cursor.take(rest_);
  rest_ -= taken.size();
  for (std::size_t i = 0; i < taken.size() && !kept(); ++i) held_[read_].add(taken[i]);
}

RedisCommands::Step RedisCommands::onInline(std::uint8_t byte) {
  if (byte == '\n') {
    state_ = State::Idle;
    return words_ > 0 ? Step::Command : Step::NeedMore;
  }
  if (rest_-- == 0) return Step::Malformed;
  const bool quote = byte == '"' || byte == '\'';
  if (quote_ == 0 && (byte == ' ' || byte == '\t' || byte == '\r')) {
    inWord_ = false;
    return Step::NeedMore;
  }
  if (!inWord_) {
    inWord_ = true;
    if (++words_ <= kWords) held_[words_ - 1].clear();
  }
  if (quote && (quote_ == 0 || quote_ == byte)) {
    quote_ = quote_ == 0 ? byte : std::uint8_t{0};
  } else if (words_ <= kWords) {
    held_[words_ - 1].add(byte);
  }
  return Step::NeedMore;
}

}  // namespace loam::decode
