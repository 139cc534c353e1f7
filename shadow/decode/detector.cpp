#include "shadow/decode/detector.h"

#include <algorithm>
#include <cstring>

#include "shadow/decode/proxy_preface.h"

namespace loam::decode {

std::uint64_t Detector::feed(Direction direction, Bytes bytes, Monotonic now) {
  if (prefaceLeft_ > 0 && direction == Direction::Upstream) {
    const std::size_t dropped = std::min<std::size_t>(prefaceLeft_, bytes.size());
    prefaceLeft_ -= static_cast<std::uint32_t>(dropped);
    bytes = bytes.subspan(dropped);
  }
  if (stage_ == Stage::Decided) return feedInner(direction, bytes, now);
  if (bytes.empty()) return 0;
  if (!first_) first_ = direction;
  if (stage_ == Stage::Preface) {
    if (direction == Direction::Upstream) {
      if (!takePreface(bytes, now) || bytes.empty()) return 0;
      first_ = direction;
    } else {
      stage_ = Stage::Detecting;
    }
  }
  return detect(direction, bytes, now);
}

/// Says whether detection can go on; `fresh` loses the preface.
bool Detector::takePreface(Bytes& fresh, Monotonic now) {
  std::array<std::uint8_t, kMostDetecting> scratch;
  const ProxyPreface preface = parseProxyPreface(firstBytes(scratch, fresh));
  if (preface.match == Match::NeedMore) {
    hold(Direction::Upstream, fresh, now);
    return false;
  }
  stage_ = Stage::Detecting;
  if (preface.match == Match::No) return true;
  const std::size_t left = preface.size - (held_ ? held_->size : 0);
  const std::size_t here = std::min(left, fresh.size());
  prefaceLeft_ = static_cast<std::uint32_t>(left - here);
  fresh = fresh.subspan(here);
  held_.reset();
  first_.reset();
  if (preface.client) events_.onProxiedClient(*preface.client);
  return true;
}

std::uint64_t Detector::detect(Direction direction, Bytes fresh, Monotonic now) {
  const std::size_t taken = std::min(fresh.size(), room(direction));
  const bool full = taken < fresh.size();
  std::array<std::uint8_t, kMostDetecting> scratch;
  const Bytes asked = firstBytes(scratch, direction == *first_ ? fresh.first(taken) : Bytes());
  bool waiting = false;
  const Recogniser* chosen = recognise(asked, full, waiting);
  if (waiting) {
    hold(direction, fresh, now);
    return 0;
  }
  settle(chosen);
  return feedInner(direction, fresh, now);
}

/// The first that says Yes; an earlier one that needs more is waited for unless this is the `last` chance.
const Recogniser* Detector::recognise(Bytes bytes, bool last, bool& waiting) const {
  for (const Recogniser& candidate : all_) {
    const Match match = candidate.match(*first_, bytes, context_);
    if (match == Match::Yes) return &candidate;
    if (match == Match::NeedMore && !last) {
      waiting = true;
      return nullptr;
    }
  }
  return nullptr;
}

/// The first speaker's bytes so far, `fresh` last; joined in `scratch` only when some were held.
Detector::Bytes Detector::firstBytes(std::span<std::uint8_t> scratch, Bytes fresh) const {
  if (!held_) return fresh.first(std::min(fresh.size(), scratch.size()));
  std::size_t size = 0;
  std::size_t offset = 0;
  for (const Run& run : std::span(held_->runs).first(held_->runCount)) {
    if (run.direction == *first_) {
      std::memcpy(scratch.data() + size, held_->bytes.data() + offset, run.size);
      size += run.size;
    }
    offset += run.size;
  }
  const std::size_t taken = std::min(fresh.size(), scratch.size() - size);
  if (taken > 0) std::memcpy(scratch.data() + size, fresh.data(), taken);
  return Bytes(scratch).first(size + taken);
}

std::size_t Detector::room(Direction direction) const {
  if (!held_) return kMostDetecting;
  const bool newRun = held_->runs[held_->runCount - 1].direction != direction;
  return newRun && held_->runCount == kMostRuns ? 0 : kMostDetecting - held_->size;
}

void Detector::hold(Direction direction, Bytes fresh, Monotonic now) {
  if (!held_) held_ = std::make_unique<Held>();
  Held& held = *held_;
  // Bytes keep their time while there are runs left; a change of direction always has one (room()).
  const auto starts = [&](const Run& last) {
    return last.direction != direction || (last.at != now && held.runCount < kMostRuns);
  };
  if (held.runCount == 0 || starts(held.runs[held.runCount - 1])) held.runs[held.runCount++] = Run{direction, 0, now};
  std::memcpy(held.bytes.data() + held.size, fresh.data(), fresh.size());
  held.runs[held.runCount - 1].size = static_cast<std::uint16_t>(held.runs[held.runCount - 1].size + fresh.size());
  held.size += fresh.size();
}

/// Hands the connection over, held bytes first.
void Detector::settle(const Recogniser* chosen) {
  stage_ = Stage::Decided;
  const std::unique_ptr<Held> held = std::move(held_);
  events_.onProtocol(chosen == nullptr ? Protocol::Tcp : chosen->protocol);
  if (chosen != nullptr && chosen->make != nullptr) inner_ = chosen->make(events_, context_);
  if (!held) return;
  Bytes rest(held->bytes);
  for (const Run& run : std::span(held->runs).first(held->runCount)) {
    feedInner(run.direction, rest.first(run.size), run.at);
    rest = rest.subspan(run.size);
  }
}

/// Decides on what was said, because no more of it will come.
void Detector::settleOnHeld() {
  if (stage_ == Stage::Decided || !held_) return;
  std::array<std::uint8_t, kMostDetecting> scratch;
  bool waiting = false;
  settle(recognise(firstBytes(scratch, {}), true, waiting));
}

std::uint64_t Detector::feedInner(Direction direction, Bytes bytes, Monotonic now) {
  if (!inner_) return kOpaque;
  const std::uint64_t free = inner_->feed(direction, bytes, now);
  if (free == kOpaque) opaque_ |= direction == Direction::Upstream ? 1 : 2;
  if (opaque_ == 3) inner_.reset();
  return free;
}

void Detector::skip(Direction direction, std::uint64_t count, Monotonic now) {
  if (inner_) inner_->skip(direction, count, now);
}

void Detector::end(Direction direction, Monotonic now) {
  if (first_ == direction) settleOnHeld();
  if (inner_) inner_->end(direction, now);
}

void Detector::close(Monotonic now) {
  settleOnHeld();
  if (inner_) inner_->close(now);
}

std::unique_ptr<Decoder> makeDetector(DecoderEvents& events, const DecoderContext& context) {
  return std::make_unique<Detector>(events, context);
}

}  // namespace loam::decode
