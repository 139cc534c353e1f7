#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "proxy/http/http1_head.h"
#include "proxy/relay/leg.h"
#include "proxy/relay/tap.h"
#include "proxy/serve/read_buffers.h"

namespace loam::serve {

/// What came on one side of a served connection and did not go on yet. Shows the tap what the client says as it is
/// read, and of a server's bytes those that went on: not what came of a sending that was repeated. Holds a buffer only
/// while bytes wait. One thread, no waiting.
class Input {
 public:
  /// All of them outlive it.
  Input(relay::Direction direction, relay::Leg leg, relay::Tap& tap, ReadBuffers& buffers)
      : direction_(direction), leg_(leg), tap_(tap), buffers_(buffers) {}
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() { buffers_.giveBack(std::move(buffer_)); }

  enum class Filled : std::uint8_t { Some, NothingYet, Ended };
  /// Reads once, behind what is there already, which is less than `most` bytes. Errors: the side is broken.
  Result<Filled> fill(std::size_t most);

  /// Valid until the next fill() or take().
  std::string_view bytes() const { return {reinterpret_cast<const char*>(buffer_.data()) + from_, to_ - from_}; }
  /// `count` of them go on now: the tap is shown those of a server.
  void goesOn(std::size_t count);
  /// They have, or nobody wants them.
  void take(std::size_t count);
  /// Bytes of the head that they begin with, its empty line included; nothing while it is not whole. Looks at each byte
  /// once.
  std::optional<std::size_t> headLength();

  /// The side ended in order, all that it sent was read.
  bool hasEnded() const { return ended_; }
  /// Bytes shown so far.
  std::uint64_t total() const { return total_; }
  /// Of the bytes that follow, how many the tap need not see.
  std::uint64_t unseen() const { return skip_; }
  relay::Leg leg() const { return leg_; }

 private:
  void makeRoom(std::size_t most);
  void releaseEmpty();
  void show(std::span<const std::uint8_t> bytes);
  bool showsAsRead() const { return direction_ == relay::Direction::Upstream; }

  const relay::Direction direction_;
  const relay::Leg leg_;
  relay::Tap& tap_;
  ReadBuffers& buffers_;
  std::vector<std::uint8_t> buffer_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
  std::size_t scanned_ = 0;  // behind from_
  http::HeadScanner scanner_;
  std::uint64_t skip_ = 0;  // bytes that the tap need not see
  std::uint64_t total_ = 0;
  bool ended_ = false;
};

}  // namespace loam::serve
