#include "proxy/io/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace loam::io {

void Timer::cancel() {
  if (wheel_ != nullptr) wheel_->unlink(*this);
}

std::uint64_t TimerWheel::tickOf(Monotonic time) const {
  if (time <= start_) return 0;
  return static_cast<std::uint64_t>((time - start_) / kTick);
}

void TimerWheel::set(Timer& timer, Monotonic due) {
  timer.cancel();
  // The tick after the one that holds `due`: never early. A past time fires at the next advance.
  timer.due_ = std::max(tickOf(due) + 1, done_ + 1);
  const std::size_t slot = timer.due_ % kSlots;
  timer.wheel_ = this;
  timer.previous_ = nullptr;
  timer.next_ = slots_[slot];
  if (timer.next_ != nullptr) timer.next_->previous_ = &timer;
  slots_[slot] = &timer;
  filled_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  ++size_;
}

void TimerWheel::unlink(Timer& timer) {
  const std::size_t slot = timer.due_ % kSlots;
  if (timer.previous_ != nullptr) {
    timer.previous_->next_ = timer.next_;
  } else {
    slots_[slot] = timer.next_;
    if (timer.next_ == nullptr) filled_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  }
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  timer.wheel_ = nullptr;
  --size_;
}

void TimerWheel::advance(Monotonic now) {
  const std::uint64_t target = tickOf(now);
  if (size_ == 0) {
    done_ = std::max(done_, target);
    return;
  }
  // One turn visits every slot; a longer gap (a suspended machine) needs no more than that.
  const std::uint64_t first = target - done_ > kSlots ? target - kSlots + 1 : done_ + 1;
  for (std::uint64_t tick = first; tick <= target && size_ != 0; ++tick) {
    const std::size_t slot = tick % kSlots;
    done_ = std::max(done_, tick);
    // A callback may change the list anyhow, so each firing starts over; what stays is not due and is walked past.
    for (Timer* timer = slots_[slot]; timer != nullptr;) {
      if (timer->due_ > target) {
        timer = timer->next_;
        continue;
      }
      unlink(*timer);
      timer->fire_(*timer);
      timer = slots_[slot];
    }
  }
  done_ = std::max(done_, target);
}

int TimerWheel::timeout(Monotonic now) const {
  if (size_ == 0) return -1;
  const std::size_t from = (done_ + 1) % kSlots;
  std::size_t distance = kSlots;
  for (std::size_t word = 0; word <= filled_.size(); ++word) {
    const std::size_t index = (from / 64 + word) % filled_.size();
    std::uint64_t bits = filled_[index];
    if (word == 0) bits &= ~std::uint64_t{0} << (from % 64);
    if (word == filled_.size()) bits &= ~(~std::uint64_t{0} << (from % 64));
    if (bits == 0) continue;
    const std::size_t slot = index * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    distance = (slot + kSlots - from) % kSlots;
    break;
  }
  const Monotonic due = start_ + kTick * static_cast<std::int64_t>(done_ + 1 + distance);
  if (due <= now) return 0;
  return static_cast<int>(std::chrono::ceil<milliseconds>(due - now).count());
}

}  // namespace loam::io
