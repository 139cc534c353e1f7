#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/http1_body.h"
#include "proxy/http/http1_head.h"
#include "proxy/io/byte_stream.h"

namespace loam::http {

/// How reading a head or a body ended.
enum class Receipt : std::uint8_t {
  Complete,
  Ended,        ///< the stream ended between two messages
  Cut,          ///< it ended or broke inside one
  Late,         ///< the deadline came inside one
  Idle,         ///< it came before the first byte of one
  LineTooLong,  ///< the start line
  HeadTooLong,
  BodyTooLong,
  BadFraming,
};
/// "cut", "late", ...
std::string_view name(Receipt receipt);

/// What came on a connection and was not used yet, and how to get heads and bodies out of it. One message at a time, in
/// order; what is pipelined behind it stays.
class Http1Input {
 public:
  /// `stream` outlives the input.
  explicit Http1Input(io::ByteStream& stream) : stream_(stream) {}

  /// Reads up to a head's empty line: `head` is valid until the next call. Waits for its first byte until `idle`, for
  /// the rest `patience` longer.
  io::Task<Receipt> readHead(std::string_view& head, Monotonic idle, milliseconds patience);
  /// Reads a body of at most `most` bytes into `body`, without its framing.
  io::Task<Receipt> readBody(BodyPlan plan, std::size_t most, Monotonic deadline, std::string& body);
  /// Hands a body's pieces to `take` as they come, until it says false (Complete too). Late where nothing came for
  /// `silence`.
  io::Task<Receipt> readPieces(BodyPlan plan, milliseconds silence, std::function<bool(std::string_view)> take);
  /// Reads and drops what still comes, until the end of the stream, `deadline`, or 64 KiB: closing on unread bytes
  /// would take the answer from the peer.
  io::Task<void> drain(Monotonic deadline);

  bool empty() const { return used_ == bytes_.size(); }
  /// What the stream said when it broke; nothing as long as it has not.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  /// Appends what comes, at most `most` bytes; 0 at the end of the stream.
  io::Task<Result<std::size_t>> fill(std::size_t most, Monotonic deadline);
  std::string_view rest() const { return std::string_view(bytes_).substr(used_); }

  io::ByteStream& stream_;
  std::string bytes_;
  std::size_t used_ = 0;
  std::optional<Error> failure_;
};

}  // namespace loam::http
