#include "shadow/observe/tap_factory.h"

namespace loam::observe {

ConnectionTapFactory::ConnectionTapFactory(Channel& channel, DecoderFactory decoders)
    : channel_(channel), decoders_(std::move(decoders)) {}

std::unique_ptr<relay::Tap> ConnectionTapFactory::open(const relay::ConnectionFacts& facts, Monotonic now) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(serials_.size()));
    serials_.push_back(0);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return std::make_unique<ConnectionTap>(*this, ConnectionId{slot, ++serials_[slot]}, facts, now);
}

void ConnectionTapFactory::flush(Monotonic now) {
  channel_.refresh(now);
  for (ConnectionTap* tap = first_; tap != nullptr;) {
    ConnectionTap* next = tap->after_;
    if (!tap->flush(now)) return;  // full: the rest would find it full too
    unlist(*tap);
    tap = next;
  }
}

void ConnectionTapFactory::enlist(ConnectionTap& tap) {
  tap.listed_ = true;
  tap.countsOnly_ = tap.listener_ == nullptr;
  tap.before_ = nullptr;
  tap.after_ = first_;
  if (first_ != nullptr) first_->before_ = &tap;
  first_ = &tap;
}

void ConnectionTapFactory::unlist(ConnectionTap& tap) {
  (tap.before_ != nullptr ? tap.before_->after_ : first_) = tap.after_;
  if (tap.after_ != nullptr) tap.after_->before_ = tap.before_;
  tap.listed_ = false;
  tap.countsOnly_ = false;
}

void ConnectionTapFactory::release(ConnectionTap& tap) {
  if (tap.listed_) unlist(tap);
  free_.push_back(tap.id_.slot);
}

}  // namespace loam::observe
