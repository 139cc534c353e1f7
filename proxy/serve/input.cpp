#include "proxy/serve/input.h"

#include <algorithm>

#include "proxy/base/assert.h"

namespace loam::serve {

Result<Input::Filled> Input::fill(std::size_t most) {
  if (ended_) return Filled::Ended;
  if (!leg_.mayRead()) return Filled::NothingYet;
  makeRoom(most);
  LOAM_ASSERT(to_ < buffer_.size());
  const auto count = leg_.read(std::span(buffer_).subspan(to_));
  if (!count) return fail(count.error());
  if (*count == io::Socket::kWouldBlock || *count == 0) {
    releaseEmpty();
    if (*count != 0) return Filled::NothingYet;
    ended_ = true;
    tap_.onEnd(direction_, leg_.socket().loop().now());
    return Filled::Ended;
  }
  if (showsAsRead()) show(std::span<const std::uint8_t>(buffer_).subspan(to_, *count));
  to_ += *count;
  return Filled::Some;
}

void Input::makeRoom(std::size_t most) {
  if (buffer_.empty()) {
    buffer_ = buffers_.lend();
  } else if (to_ == buffer_.size() && from_ != 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(from_), buffer_.end(), buffer_.begin());
    to_ -= from_;
    from_ = 0;
  } else if (to_ == buffer_.size() && to_ < most) {
    buffer_.resize(std::min(2 * to_, most));
  }
}

void Input::goesOn(std::size_t count) {
  if (!showsAsRead()) show(std::span<const std::uint8_t>(buffer_).subspan(from_, count));
}

void Input::take(std::size_t count) {
  from_ += count;
  scanned_ = 0;
  scanner_.reset();
  releaseEmpty();
}

void Input::releaseEmpty() {
  if (from_ != to_) return;
  from_ = to_ = 0;
  buffers_.giveBack(std::move(buffer_));
  buffer_ = {};
}

std::optional<std::size_t> Input::headLength() {
  const std::size_t length = scanner_.scan(bytes().substr(scanned_));
  if (length != http::HeadScanner::kNotYet) {
    const std::size_t whole = scanned_ + length;
    scanned_ = 0;
    scanner_.reset();
    return whole;
  }
  scanned_ = to_ - from_;
  return std::nullopt;
}

void Input::show(std::span<const std::uint8_t> bytes) {
  const Monotonic now = leg_.socket().loop().now();
  total_ += bytes.size();
  const std::size_t unseen = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
  if (unseen != 0) {
    if (skip_ != relay::Tap::kOpaque) skip_ -= unseen;
    tap_.onSkipped(direction_, unseen, now);
  }
  if (unseen < bytes.size()) skip_ = tap_.onBytes(direction_, bytes.subspan(unseen), now);
}

}  // namespace loam::serve
