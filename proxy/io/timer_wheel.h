#pragma once

#include <array>
#include <cstdint>

#include "proxy/base/clock.h"

namespace loam::io {

class TimerWheel;

/// Something that happens at a time: set on a wheel, fires once. Leaves its wheel when it goes.
class Timer {
 public:
  using Fire = void (*)(Timer&);
  explicit Timer(Fire fire) : fire_(fire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  bool isSet() const { return wheel_ != nullptr; }
  void cancel();

 private:
  friend class TimerWheel;
  Fire fire_;
  TimerWheel* wheel_ = nullptr;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  std::uint64_t due_ = 0;  // in ticks
};

/// Hashed timing wheel (Varghese and Lauck 1987, scheme 6): 1 024 slots of 16 ms; setting and cancelling cost O(1), and
/// a timer further off than one turn stays in its slot until its own. Fires at most one tick late, never early. One
/// thread.
class TimerWheel {
 public:
  static constexpr milliseconds kTick{16};

  explicit TimerWheel(Monotonic start) : start_(start) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void set(Timer& timer, Monotonic due);
  /// Fires what is due at `now`; a callback may set and cancel any timer.
  void advance(Monotonic now);
  /// Milliseconds until the next slot that holds a timer, rounded up; -1 when there is none. What epoll_wait takes.
  int timeout(Monotonic now) const;
  std::size_t size() const { return size_; }

 private:
  friend class Timer;
  static constexpr std::size_t kSlots = 1024;

  void unlink(Timer& timer);
  std::uint64_t tickOf(Monotonic time) const;

  Monotonic start_;
  std::uint64_t done_ = 0;  // all ticks up to here have fired
  std::size_t size_ = 0;
  std::array<Timer*, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> filled_{};  // one bit a slot
};

}  // namespace loam::io
