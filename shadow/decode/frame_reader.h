#pragma once

#include <array>
#include <cstdint>

#include "proxy/base/clock.h"
#include "shadow/decode/byte_cursor.h"

namespace loam::decode {

/// Cuts one direction of a length-prefixed protocol into messages, at any segmentation: keeps the header and the first
/// bytes of the payload that its user asks for (at most kMostKept together), counts the rest off unseen. 104 bytes, no
/// allocation.
class FrameReader {
 public:
  static constexpr std::size_t kMostKept = 128;
  enum class Step : std::uint8_t {
    NeedMore,  ///< the piece is used up
    Header,    ///< header() is whole; the user must call payload() now
    Head,      ///< the kept bytes of the payload are whole
    End,       ///< the message's last byte went by; header() and head() are still there
  };

  explicit FrameReader(std::size_t headerSize) { setHeaderSize(headerSize); }

  Step advance(ByteCursor& cursor, Monotonic now);
  /// After Header: the payload has `length` bytes, of which the first `kept` are of interest.
  void payload(std::uint64_t length, std::size_t kept);
  /// From the next message on headers have `size` bytes.
  void setHeaderSize(std::size_t size) { nextHeaderSize_ = static_cast<std::uint8_t>(size); }

  Bytes header() const { return Bytes(held_).first(headerSize_); }
  Bytes head() const { return Bytes(held_).subspan(headerSize_, keep_); }
  /// When the message's first byte passed.
  Monotonic began() const { return began_; }
  /// Between messages: nothing of the next one was seen.
  bool idle() const { return stage_ == Stage::Idle; }
  /// How many bytes need no look now.
  std::uint64_t unseen() const { return stage_ == Stage::Rest ? rest_ : 0; }
  /// `count` of those went by; advance() with an empty piece then gives End when they were the last.
  void skip(std::uint64_t count) { rest_ -= std::min(count, unseen()); }

 private:
  enum class Stage : std::uint8_t { Idle, Header, Head, Rest };

  bool fill(ByteCursor& cursor, std::size_t want);

  Monotonic began_;
  std::uint64_t rest_ = 0;
  std::array<std::uint8_t, kMostKept> held_{};
  std::uint8_t size_ = 0;
  std::uint8_t headerSize_ = 0;
  std::uint8_t nextHeaderSize_ = 0;
  std::uint8_t keep_ = 0;
  Stage stage_ = Stage::Idle;
};

}  // namespace loam::decode
