#pragma once

#include <cstdint>

namespace loam::decode {

/// The rest of a line that holds one number, byte by byte: "12\r\n", "-1\r\n", or "?\r\n" for what is streamed.
class RedisNumber {
 public:
  enum class Step : std::uint8_t { More, Done, Malformed };
  static constexpr std::int64_t kStreamed = -2;

  void begin() { *this = RedisNumber(); }

  Step onByte(std::uint8_t byte) {
    constexpr int kMostDigits = 15;
    if (ended_) return byte == '\n' && (digits_ > 0 || streamed_) ? Step::Done : Step::Malformed;
    if (byte == '\r') {
      ended_ = true;
    } else if (byte == '-' && digits_ == 0 && !negative_ && !streamed_) {
      negative_ = true;
    } else if (byte == '?' && digits_ == 0 && !negative_ && !streamed_) {
      streamed_ = true;
    } else if (byte >= '0' && byte <= '9' && digits_ < kMostDigits && !streamed_) {
      ++digits_;
      value_ = value_ * 10 + (byte - '0');
    } else {
      return Step::Malformed;
    }
    return Step::More;
  }

  std::int64_t value() const { return streamed_ ? kStreamed : negative_ ? -value_ : value_; }

 private:
  std::int64_t value_ = 0;
  std::uint8_t digits_ = 0;
  bool negative_ = false;
  bool streamed_ = false;
  bool ended_ = false;
};

}  // namespace loam::decode
